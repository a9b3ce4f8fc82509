"""The finished datasets that a report is made from, and the ways of reading them that need little memory."""

from collections.abc import Collection, Iterator, Sequence

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.parts import read_parquet


def rows_where(dataset: Dataset, part: int, column: str, values: Collection[str], columns: Sequence[str]) -> pa.Table | None:
    """Rows of one part whose `column` holds one of `values`; None when there are none.

    Only the row groups that hold such a row are read whole, so a shard of hundreds of MB costs a few of them.
    """
    wanted = pa.array(sorted(values), pa.string())
    found = []
    for file in dataset.manifest.parts[part].files:
        with dataset.store.reader(f"{dataset.path}/{file.path}") as source:
            parquet = pq.ParquetFile(source, pre_buffer=False)
            for group in range(parquet.num_row_groups):
                mask = pc.is_in(parquet.read_row_group(group, [column], use_threads=False).column(column), wanted)
                if pc.any(mask).as_py():
                    found.append(parquet.read_row_group(group, list(columns), use_threads=False).filter(mask))
    return pa.concat_tables(found) if found else None


def dead_tables(dataset: Dataset) -> Iterator[pa.Table]:
    """Dead rows part by part (schemas.DEAD)."""
    for record in dataset.manifest.parts:
        if record.dead is not None:
            yield read_parquet(dataset.store, f"{dataset.path}/{record.dead.path}")
