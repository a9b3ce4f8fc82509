"""A table of any length as one file for other tools: csv, jsonl or parquet, written whole or not at all."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from labeling.errors import UserError


def write_table(target: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    """Write `tables` in their order, in the format that the suffix names. Gives the number of rows. Raises UserError for another suffix."""
    if target.suffix not in (".csv", ".jsonl", ".parquet"):
        raise UserError(f"{target}: the suffix decides the format; use .csv, .jsonl or .parquet")
    rows = 0
    unfinished = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with unfinished.open("wb") as sink:
            writer = _writer(sink, target.suffix, schema)
            for table in tables:
                writer.write_table(table)
                rows += len(table)
            writer.close()
        unfinished.replace(target)
    except OSError as error:
        raise UserError(f"cannot write {target}: {error.strerror or error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
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
