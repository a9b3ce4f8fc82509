"""Summarises a set of shards by split: clips, hours, labels, licences, and the approximate size of each clip."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import pyarrow as pa
import pyarrow.compute as pc

from noise2music.labeling.datasets.audio_files import INLINE, REFERENCE, AudioFiles
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.parts import read_parquet

_TEXT_BYTES = 1024
_LABEL_BYTES = 256


@dataclass
class SplitSummary:
    """licences: clips by licence, "" where it is not known. sizes: bytes of each clip with its texts, about, in key order."""

    milliseconds: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    licences: Counter[str] = field(default_factory=Counter)
    sizes: list[int] = field(default_factory=list)

    @property
    def clips(self) -> int:
        """How many clips the split has."""
        return len(self.sizes)


def summarize(shards: Dataset, files: AudioFiles) -> dict[str, SplitSummary]:
    """Split -> what it holds, in the order of their names. Reads no audio but of shards that hold it themselves. Raises UserError."""
    summaries: dict[str, SplitSummary] = {}
    columns = ["split", "licence", "length_ms", "labels", *REFERENCE, *INLINE]
    for table in shard_tables(shards, columns):
        sizes = _audio_sizes(table, files)
        for size, row in zip(sizes, table.select(columns[:4]).to_pylist(), strict=True):
            summary = summaries.setdefault(row["split"], SplitSummary())
            summary.milliseconds += row["length_ms"]
            summary.licences[row["licence"] or ""] += 1
            summary.labels.update(label["vocabulary"] for label in row["labels"])
            summary.sizes.append(size + _TEXT_BYTES + _LABEL_BYTES * len(row["labels"]))
    return dict(sorted(summaries.items()))


def shard_tables(shards: Dataset, columns: list[str] | None = None) -> Iterator[pa.Table]:
    """The shards file by file, in key order. A column that a file lacks is not read."""
    for record in shards.manifest.parts:
        for file in record.files:
            yield read_parquet(shards.store, f"{shards.path}/{file.path}", columns)


def _audio_sizes(table: pa.Table, files: AudioFiles) -> list[int]:
    if "audio" in table.column_names:
        sizes: list[int] = pc.binary_length(pc.struct_field(table.column("audio"), "bytes")).to_pylist()
        return sizes
    references = table.select(list(REFERENCE)).to_pylist()
    return [files.size(row["audio_file"], row["audio_row"]) for row in references]
