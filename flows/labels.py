"""The labels of a finished run as an object: rows, a table, a file, and where the report is."""

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, overload

import pyarrow as pa

from noise2music.core.storage import open_existing
from noise2music.flows.tables import write_labels
from noise2music.labeling.datasets.current import open_current, read_labels


class Labels:
    """The current labels below a root, one row a clip in key order: `open_labels` and `label` give it.

    A row is a dict of the columns of schemas.SHARD: clip_id, track_key, start_ms, length_ms, title, artist, licence, split, tags, labels
    (each with vocabulary, caption, score, rank, frequency and p), sample_rate. The audio is read by `ShardDataset`.
    """

    def __init__(self, root: str | Path) -> None:
        self.root = str(root)
        self.fingerprint = open_current(self.root).fingerprint
        """Names the set; it changes when the labels do."""

    def __repr__(self) -> str:
        return f"Labels({self.root!r}, {len(self):,} clips)"

    def __len__(self) -> int:
        return len(self.table)

    @overload
    def __getitem__(self, index: int) -> dict[str, Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[dict[str, Any]]: ...
    def __getitem__(self, index: int | slice) -> dict[str, Any] | list[dict[str, Any]]:
        """A row, or some. Raises IndexError."""
        places = range(len(self))[index]
        if isinstance(places, range):
            rows: list[dict[str, Any]] = self.table.take(list(places)).to_pylist() if len(places) else []
            return rows
        row: dict[str, Any] = self.table.slice(places, 1).to_pylist()[0]
        return row

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for batch in self.table.to_batches():
            yield from batch.to_pylist()

    @cached_property
    def table(self) -> pa.Table:
        """All rows as an Arrow table, about a KB a clip; `table.to_pandas()` makes a data frame of it."""
        return read_labels(self.root)

    @property
    def report(self) -> str:
        """Where the report of the run is; it is made again where it is missing."""
        from noise2music.flows.label import remake_report  # Beam and all stages, which a look at labels does without.

        return remake_report(self.root)

    def save(self, path: str | Path) -> Path:
        """Write a flat table with one row a label.

        Args:
            path: ends in .csv, .jsonl or .parquet.

        Returns:
            The path.

        Raises:
            UserError: another ending, or the file cannot be written.
        """
        write_labels(open_existing(self.root), Path(path))
        return Path(path)


def open_labels(root: str | Path) -> Labels:
    """Open the current labels of a finished labeling run.

    Args:
        root: the root of the run, a folder or URI.

    Returns:
        The labels: rows by number and in a loop, `table`, `save(path)` and `report`.

    Raises:
        UserError: there is no such root, or no run there has finished.

    Source: labeling/datasets/current.py says which set is the current one.
    """
    return Labels(root)
