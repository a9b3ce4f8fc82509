"""Rows of a table that somebody else made: csv, jsonl or parquet by suffix. What is broken is named with its line; nothing is guessed."""

import csv
import difflib
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from labeling.errors import UserError
from labeling.storage import read_uri

_SHOWN_NAMES = 20
_SHOWN_CHARACTERS = 80
_LARGEST_CELL = 1 << 30
_BATCH_ROWS = 10_000


@dataclass(frozen=True)
class Row:
    """where: "FILE, line 7", for messages. cells: the wanted columns, or all."""

    where: str
    cells: Mapping[str, Any]

    def texts(self, column: str) -> list[str]:
        """The cell as texts: none when it is empty or missing, several when it is a list. Raises UserError when it is a structure."""
        value = self.cells.get(column)
        return [text for item in (value if isinstance(value, list) else [value]) if (text := self._text(column, item))]

    def _text(self, column: str, value: Any) -> str:
        if isinstance(value, str):
            return value.encode("utf-8", "replace").decode()
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        if isinstance(value, (dict, list, bytes)):
            raise UserError(f"{self.where}: column {_short(column)!r} holds a {type(value).__name__}; it must hold text or a list of texts")
        return str(value)


def table_rows(uri: str, wanted: Sequence[str] | None) -> Iterator[Row]:
    """A local or remote table -> its rows in order, with the `wanted` columns (None: with all). Raises UserError (see the module)."""
    suffix = uri.rsplit("/", 1)[-1].rpartition(".")[2].lower()
    readers = {"csv": _csv_rows, "jsonl": _json_rows, "ndjson": _json_rows, "parquet": _parquet_rows}
    if suffix not in readers:
        raise UserError(f"{uri}: a table ends in .csv, .jsonl or .parquet; rename or convert this one")
    return readers[suffix](uri, read_uri(uri), wanted)


def _csv_rows(uri: str, data: bytes, wanted: Sequence[str] | None) -> Iterator[Row]:
    before = csv.field_size_limit(_LARGEST_CELL)
    try:
        reader = csv.reader(io.StringIO(_decode(uri, data), newline=""), strict=True)
        header: list[str] | None = None
        line = 1
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                break
            except csv.Error as error:
                raise UserError(
                    f"{uri}: the row that begins in line {line} cannot be read ({error}). "
                    'A quoted cell must be closed, and a " inside it doubled. Mend the line or export the table again.'
                ) from error
            if header is None and cells:
                header = [name.strip() for name in cells]
                _require(uri, header, wanted)
            elif header is not None and cells:
                if len(cells) != len(header):
                    raise UserError(
                        f"{uri}, line {line}: {len(cells)} cells where the header has {len(header)} columns. "
                        "A cell that holds a comma must be quoted. Mend the line or export the table again."
                    )
                yield Row(f"{uri}, line {line}", dict(zip(header, cells, strict=True)))
            line = reader.line_num + 1
        if header is None:
            raise UserError(f"{uri} is empty: its first line must name the columns")
    finally:
        csv.field_size_limit(before)


def _json_rows(uri: str, data: bytes, wanted: Sequence[str] | None) -> Iterator[Row]:
    rows = []
    names: dict[str, None] = {}
    for number, line in enumerate(_decode(uri, data).split("\n"), 1):
        if not line.strip():
            continue
        try:
            content = json.loads(line, object_pairs_hook=_object)
        except _TwiceError as error:
            raise UserError(f"{uri}, line {number}: {_short(str(error))!r} is given twice; keep one.") from error
        except (ValueError, RecursionError) as error:
            said = f"{error.msg} at character {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
            raise UserError(f"{uri}, line {number}: not JSON ({said}). Each line must be one JSON object.") from error
        if not isinstance(content, dict):
            raise UserError(f"{uri}, line {number}: a {type(content).__name__} where a JSON object is expected")
        names.update(dict.fromkeys(content))
        rows.append(Row(f"{uri}, line {number}", content if wanted is None else {name: content.get(name) for name in wanted}))
    _require(uri, list(names), wanted)
    yield from rows


class _TwiceError(Exception):
    """A name that an object has twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        raise _TwiceError(next(name for place, (name, _) in enumerate(pairs) if name in dict(pairs[:place])))
    return made


def _parquet_rows(uri: str, data: bytes, wanted: Sequence[str] | None) -> Iterator[Row]:
    columns = None if wanted is None else list(dict.fromkeys(wanted))
    number = 0
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        _require(uri, file.schema_arrow.names, wanted)
        for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
            for place in range(len(batch)):
                number += 1
                where = f"{uri}, row {number}"
                yield Row(where, {name: _value(where, name, batch.column(name)[place]) for name in batch.column_names})
    except (pa.ArrowException, OSError, ValueError) as error:
        raise UserError(f"{uri} is no readable Parquet file ({str(error).splitlines()[0]}). Write it again.") from error


def _value(where: str, column: str, value: pa.Scalar) -> Any:
    """A cell as Python has it. Raises UserError for what Python cannot have, such as text that is not UTF-8 or a time in nanoseconds."""
    try:
        return value.as_py()
    except (ValueError, pa.ArrowException) as error:
        said = str(error).splitlines()[0]
        raise UserError(f"{where}: column {_short(column)!r} holds what cannot be read ({said}). Mend or drop it.") from error


def text_rows(uri: str, column: str) -> Iterator[Row]:
    """A local or remote text file -> its lines as cells of one column; blank lines are left out. Raises UserError."""
    for number, line in enumerate(_decode(uri, read_uri(uri)).split("\n"), 1):
        if line.strip():
            yield Row(f"{uri}, line {number}", {column: line.strip()})


def decode_text(uri: str, data: bytes) -> str:
    """A text file's bytes as text, a byte order mark taken off. Raises UserError, with the line, for what is no UTF-8 text."""
    return _decode(uri, data)


def _decode(uri: str, data: bytes) -> str:
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise UserError(f"{uri} is UTF-16. Save it as UTF-8.")
    nul = data.find(b"\0")
    if nul >= 0:
        raise UserError(
            f"{uri}, line {_line(data, nul)}: a NUL byte, so this is no text, or a damaged one. Export the table again as UTF-8."
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{uri}, line {_line(data, error.start)}: not UTF-8. Save the table as UTF-8.") from error


def _line(data: bytes, place: int) -> int:
    return data.count(b"\n", 0, place) + 1


def _require(uri: str, names: Sequence[str], wanted: Sequence[str] | None) -> None:
    """Raises UserError unless each wanted column (None: each that there is) is there once."""
    for column in names if wanted is None else wanted:
        if names.count(column) > 1:
            raise UserError(f"{uri} has {names.count(column)} columns {_short(column)!r}: rename all but one")
        if column not in names:
            near = difflib.get_close_matches(column, names, n=3)
            has = ", ".join(repr(_short(name)) for name in names[:_SHOWN_NAMES]) + (", ..." if len(names) > _SHOWN_NAMES else "")
            advice = f"did you mean {' or '.join(repr(_short(name)) for name in near)}? It has" if near else "it has"
            raise UserError(f"{uri} has no column {column!r}: {advice} {has or 'no columns'}. Name the right one in `columns`.")


def _short(name: str) -> str:
    return name if len(name) <= _SHOWN_CHARACTERS else name[: _SHOWN_CHARACTERS - 1] + "…"
