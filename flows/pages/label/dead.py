"""Tracks that were left out on purpose, dead rows, and rows that were not as declared."""

import heapq
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from noise2music.core.tally import most_common_first
from noise2music.flows.pages.label.contents import DeadCount, DeadLetter, ExcludedTrack, Loss, Warned
from noise2music.flows.pages.label.funnel import say
from noise2music.flows.pages.label.samples import rows_where, shorten
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.parts import part_of, read_parquet

MOST_ROWS = 200


def excluded_tracks(ingest: Dataset | None) -> tuple[tuple[ExcludedTrack, ...], tuple[Loss, ...]]:
    """The first MOST_ROWS excluded tracks by key, and how many there are for each reason."""
    if ingest is None:
        return (), ()
    first: list[dict[str, Any]] = []
    counts: Counter[str] = Counter()
    for table in ingest.tables(["key", "title", "licence", "duplicate_of", "excluded"]):
        rows = table.filter(pc.is_valid(table.column("excluded")))
        counts.update(rows.column("excluded").to_pylist())
        first = heapq.nsmallest(MOST_ROWS, [*first, *rows.to_pylist()], key=lambda row: row["key"])
    keys = _keys(ingest, {row["duplicate_of"] for row in first if row["duplicate_of"]})
    losses = tuple(Loss(say(reason), count) for reason, count in most_common_first(counts).items())
    return tuple(_excluded(row, keys) for row in first), losses


def dead_counts(datasets: Iterable[Dataset]) -> tuple[DeadCount, ...]:
    """Dead rows by stage and reason, in the order of the flow."""
    return tuple(
        DeadCount(dataset.title, say(reason), count) for dataset in datasets for reason, count in dataset.manifest.dead_reasons.items()
    )


def warnings(datasets: Iterable[Dataset]) -> tuple[Warned, ...]:
    """What was not as declared, by stage and reason, in the order of the flow."""
    return tuple(
        Warned(dataset.title, say(reason), count, tuple(shorten(text) for text in dataset.manifest.warned.get(reason, ())))
        for dataset in datasets
        for reason, count in dataset.manifest.warnings.items()
    )


def dead_letters(datasets: Iterable[Dataset]) -> tuple[DeadLetter, ...]:
    """The first MOST_ROWS dead rows of each dataset, in part order."""
    return tuple(letter for dataset in datasets for letter in _first_letters(dataset))


def _first_letters(dataset: Dataset) -> list[DeadLetter]:
    letters: list[DeadLetter] = []
    for table in _dead_tables(dataset):
        for row in table.slice(0, MOST_ROWS - len(letters)).to_pylist():
            letters.append(DeadLetter(dataset.title, shorten(row["key"]), say(row["reason"]), shorten(row["error"]), row["attempt"]))
        if len(letters) == MOST_ROWS:
            break
    return letters


def _dead_tables(dataset: Dataset) -> Iterator[pa.Table]:
    """Dead rows part by part (schemas.DEAD)."""
    for record in dataset.manifest.parts:
        if record.dead is not None:
            yield read_parquet(dataset.store, f"{dataset.path}/{record.dead.path}")


def _excluded(row: Mapping[str, Any], keys: Mapping[str, str]) -> ExcludedTrack:
    detail = keys.get(row["duplicate_of"], row["duplicate_of"]) if row["duplicate_of"] else None
    detail = row["licence"] if row["excluded"] == "licence" else detail
    return ExcludedTrack(shorten(row["key"]), shorten(row["title"]), say(row["excluded"]), shorten(detail))


def _keys(ingest: Dataset, track_ids: set[str]) -> dict[str, str]:
    """Keys of tracks by id, from the parts that hold them."""
    parts: dict[int, set[str]] = {}
    for track_id in track_ids:
        parts.setdefault(part_of(track_id, len(ingest.parts)), set()).add(track_id)
    tables = [rows_where(ingest, part, "track_id", ids, ["track_id", "key"]) for part, ids in sorted(parts.items())]
    return {row["track_id"]: row["key"] for table in tables if table for row in table.to_pylist()}
