"""Passes rows from many workers to many others through files, by bucket, since Beam's local runner groups in memory."""

import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from noise2music.core.storage import Store

Columns = Mapping[str, npt.NDArray[Any]]

_OPTIONS = pa.ipc.IpcWriteOptions(compression="zstd")


@dataclass(frozen=True)
class Spool:
    """A folder of a store with rows of one kind. A file may be written twice, with the same content."""

    store: Store
    folder: str

    def write(self, name: str, columns: Columns, bucket: npt.NDArray[np.integer], buckets: int) -> None:
        """Equally long columns of rows, and the bucket of each."""
        order = np.argsort(bucket, kind="stable")
        ends = np.searchsorted(bucket[order], np.arange(buckets), "right")
        table = pa.table({column: pa.array(values[order]) for column, values in columns.items()})
        sink = io.BytesIO()
        with pa.ipc.new_file(sink, table.schema, options=_OPTIONS) as file:
            for start, end in zip([0, *ends[:-1]], ends, strict=True):
                batches = table.slice(start, end - start).combine_chunks().to_batches()
                file.write_batch(batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema))
        self.store.put(f"{self.folder}/{name}.arrow", sink.getvalue())

    def tables(self, bucket: int) -> Iterator[pa.Table]:
        """The rows of one bucket, file by file in the order of their names."""
        for entry in sorted(self.store.entries(self.folder), key=attrgetter("path")):
            with self.store.reader(entry.path) as source, pa.ipc.open_file(source) as file:
                yield pa.Table.from_batches([file.get_batch(bucket)])

    def read(self, bucket: int) -> pa.Table | None:
        """All rows of one bucket; None where no file was written."""
        tables = list(self.tables(bucket))
        return pa.concat_tables(tables) if tables else None
