"""Reads the rows of a Parquet file."""

from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from noise2music.core.errors import UserError
from noise2music.core.tables.row import Bad, Row, require_columns, short
from noise2music.core.tally import Tally

_BATCH_ROWS = 10_000


def parquet_rows(uri: str, data: bytes, columns: Sequence[str] | None, notes: Tally) -> Iterator[Row | Bad]:
    """The rows in order, with `columns` (None: all). Raises UserError: no Parquet, damaged, or a column is missing."""
    selection = None if columns is None else list(dict.fromkeys(columns))
    number = 0
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        require_columns(uri, file.schema_arrow.names, columns)
        for batch in file.iter_batches(_BATCH_ROWS, columns=selection, use_threads=False):
            for position in range(len(batch)):
                number += 1
                where = f"{uri}, row {number}"
                yield _row(where, batch, position, notes)
    except (pa.ArrowException, OSError, ValueError, MemoryError, KeyError, NotImplementedError) as error:
        detail = (str(error).splitlines() or [type(error).__name__])[0]
        raise UserError(f"{uri} is no readable Parquet file ({detail[:200]}). Write it again.") from error


def _row(where: str, batch: pa.RecordBatch, position: int, notes: Tally) -> Row | Bad:
    cells: dict[str, Any] = {}
    for name, column in zip(batch.schema.names, batch.columns, strict=True):
        try:
            cells[name] = column[position].as_py()
        except (ValueError, OverflowError, pa.ArrowException) as error:
            detail = (str(error).splitlines() or [type(error).__name__])[0]
            reason = "not_utf8" if isinstance(error, UnicodeDecodeError) else "bad_row"
            return Bad(where, reason, f"{where}: column {short(name)!r} holds what cannot be read ({detail}). Mend or drop it.")
    return Row(where, cells, notes)
