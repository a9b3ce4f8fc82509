"""The labels of the latest run as one flat table, and where the labels of one clip came from."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from flows.latest import read_latest
from flows.report.sources import LabelDatasets
from flows.table_file import write_table
from labeling.dataset import Dataset
from labeling.errors import UserError
from labeling.stages.embed import clip_title
from labeling.storage import Store

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
