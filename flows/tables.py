"""Tables for people: labels and captions of a run as flat tables, in files and on the terminal, and where a clip's labels came from."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from noise2music.core.errors import UserError
from noise2music.core.local_cache import whole_file
from noise2music.core.storage import Store
from noise2music.core.tally import most_common_first
from noise2music.flows.datasets import LabelDatasets, read_latest
from noise2music.labeling.datasets.dataset import Dataset, list_datasets
from noise2music.labeling.schemas import VOCABULARY
from noise2music.labeling.stages.embed import clip_title

# A table of any length as one file for other tools: csv, jsonl or parquet, written whole or not at all.


def write_table(target: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    """Write `tables` in their order, in the format that the suffix names. Gives the number of rows. Raises UserError for another suffix."""
    if target.suffix not in (".csv", ".jsonl", ".parquet"):
        raise UserError(f"{target}: the suffix decides the format; use .csv, .jsonl or .parquet")
    rows = 0
    try:
        with whole_file(target) as aside, aside.open("wb") as sink:
            writer = _writer(sink, target.suffix, schema)
            for table in tables:
                writer.write_table(table)
                rows += len(table)
            writer.close()
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror or error}") from error
    return rows


class _JsonLines:
    def __init__(self, sink: Any) -> None:
        self.sink = sink

    def write_table(self, table: pa.Table) -> None:
        self.sink.writelines((json.dumps(row, ensure_ascii=False) + "\n").encode() for row in table.to_pylist())

    def close(self) -> None:
        self.sink.flush()


def _writer(sink: Any, suffix: str, schema: pa.Schema) -> Any:
    if suffix == ".csv":
        return pa.csv.CSVWriter(sink, schema)
    if suffix == ".parquet":
        return pq.ParquetWriter(sink, schema, compression="zstd")
    return _JsonLines(sink)


# The captions of one vocabulary as one flat table: to read, to clean further, or as the source of another run.


def write_captions_table(root: Store, name: str, target: Path) -> int:
    """Write the latest vocabulary of that name as csv, jsonl or parquet, by the suffix: columns of schemas.VOCABULARY. Gives the rows.

    Raises UserError when there is no such vocabulary.
    """
    return write_table(target, VOCABULARY, _latest(root, name).tables())


def _latest(root: Store, name: str) -> Dataset:
    vocabularies = list_datasets(root, "vocabulary")
    found = [dataset for dataset in vocabularies if dataset.name == name]
    if not found:
        names = ", ".join(sorted({dataset.name for dataset in vocabularies})) or "no vocabulary at all"
        raise UserError(f"{root.uri} has no finished vocabulary {name!r}; it has {names}.")
    return found[-1]


# Reasons and their numbers in a few words.


MOST = 3


def format_counts(counts: Mapping[str, int]) -> str:
    """How often each came, commonest first: "3 × bad_key, 1 × bad_seconds"; kinds beyond the third are counted only."""
    ordered = list(most_common_first(counts).items())
    shown = [f"{number:,} × {reason}" for reason, number in ordered[:MOST]]
    return ", ".join([*shown, f"{len(ordered) - MOST} other kinds"] if len(ordered) > MOST else shown)


# Tables on the terminal, or the same as JSON.


def print_rows(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """One line a row with aligned columns, or one JSON array. Numbers are set to the right."""
    if as_json:
        print(json.dumps([dict(row) for row in rows], indent=1, ensure_ascii=False))
        return
    if not rows:
        print("(nothing)")
        return
    names = list(rows[0])
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    right = [all(isinstance(row.get(name), int | float) or row.get(name) is None for row in rows) for name in names]
    widths = [max(len(name), *(len(line[column]) for line in cells)) for column, name in enumerate(names)]
    for line in [names, *cells]:
        padded = (text.rjust(width) if to_right else text.ljust(width) for text, width, to_right in zip(line, widths, right, strict=True))
        print("  ".join(padded).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    text = " ".join(str(value).split())
    return text if len(text) <= 100 else text[:99] + "…"


FLAT = pa.schema(
    [
        pa.field("track_key", pa.string(), False),
        pa.field("clip_start", pa.float64(), False),
        pa.field("vocabulary", pa.string(), False),
        pa.field("rank", pa.int16(), False),
        pa.field("score", pa.float32(), False),
        pa.field("frequency", pa.int64(), False),
        pa.field("caption", pa.string(), False),
        pa.field("clip_id", pa.string(), False),
        pa.field("split", pa.string(), False),
        pa.field("p", pa.float32(), False),
    ]
)


def flat_labels(datasets: LabelDatasets) -> Iterator[pa.Table]:
    """One row a label, part by part, sorted by track key, start (seconds), vocabulary and rank inside a part."""
    tracks = _tracks(datasets)
    for part in tracks.parts:
        where = {
            clip["clip_id"]: (track["key"], clip["start_ms"] / 1000, track["split"])
            for track in tracks.read_part(part, ["key", "split", "clips"]).to_pylist()
            for clip in track["clips"]
        }
        rows = []
        for vocabulary, group in datasets.vocabularies.items():
            for clip in group.sample.read_part(part).to_pylist():
                key, start, split = where[clip["clip_id"]]
                fixed = {"track_key": key, "clip_start": start, "vocabulary": vocabulary, "clip_id": clip["clip_id"], "split": split}
                drawn = ("rank", "score", "frequency", "caption", "p")
                rows += [fixed | {name: label[name] for name in drawn} for label in clip["labels"]]
        order = ["track_key", "clip_start", "vocabulary", "rank"]
        yield pa.Table.from_pylist(rows, FLAT).sort_by([(name, "ascending") for name in order])


def _tracks(datasets: LabelDatasets) -> Dataset:
    if datasets.ingest is None:
        raise UserError("this run has no tracks: it was made from embeddings alone")
    return datasets.ingest


def write_labels(root: Store, target: Path) -> int:
    """Write the flat table as csv, jsonl or parquet, by the suffix. Gives the number of rows. Raises UserError for another suffix."""
    datasets, _ = read_latest(root)
    return write_table(target, FLAT, flat_labels(datasets))


def show_clip(root: Store, name: str) -> dict[str, Any]:
    """One clip, named by its id or by track key (with "@seconds" for another than the first): what is known of it and every label.

    Raises UserError when there is no such clip, with the reason when its track was excluded or died.
    """
    datasets, _ = read_latest(root)
    key, _, start = name.rpartition("@") if "@" in name else (name, "", "")
    tracks = _tracks(datasets)
    for part in tracks.parts:
        for track in tracks.read_part(part).to_pylist():
            named = track["key"] in (name, key.strip())
            for clip in track["clips"]:
                at = clip["start_ms"] / 1000
                if clip["clip_id"] == name or (named and (track["key"] == name or not start or _float_or_none(start) == at)):
                    return _clip(datasets, part, track, clip)
            if named and track["excluded"]:
                raise UserError(f"{track['key']} has no clips: it was excluded ({track['excluded']}).")
    _say_dead(datasets, lambda dead: dead == name)
    raise UserError(f"{root.uri} has no clip or track {name!r}. `n2m labels` lists the tracks; ids are 16 hexadecimal digits.")


def _float_or_none(text: str) -> float | None:
    """The number in a text, None when it is none."""
    try:
        return float(text.strip().removesuffix("s").strip())
    except ValueError:
        return None


def _say_dead(datasets: LabelDatasets, is_it: Callable[[str], bool]) -> None:
    for dataset in datasets.all():
        for row in dataset.dead().to_pylist():
            if is_it(row["key"]):
                raise UserError(f"{row['key']} died in {row['stage']}: {row['reason']} ({row['error']}).")


def _clip(datasets: LabelDatasets, part: int, track: dict[str, Any], clip: dict[str, Any]) -> dict[str, Any]:
    title = clip_title(track["key"], clip["start_ms"])
    _say_dead(datasets, lambda dead: dead == title)
    labels = [
        {"vocabulary": vocabulary, **label}
        for vocabulary, group in datasets.vocabularies.items()
        for row in group.sample.read_part(part).to_pylist()
        if row["clip_id"] == clip["clip_id"]
        for label in row["labels"]
    ]
    shown = ("key", "title", "artist", "licence", "split", "tags", "format", "sample_rate", "channels", "sha256")
    known = {name: track[name] for name in shown}
    return {"clip_id": clip["clip_id"], "start": clip["start_ms"] / 1000, "seconds": clip["length_ms"] / 1000, **known, "labels": labels}
