"""Reads tables from outside: csv, tsv, json, jsonl or parquet by suffix, or lines of text. One reader for all of them.

The dialect and encoding of a csv are found from the file (csv_dialect, encodings). Anything that is not as declared is reported in `notes`.
A broken row stops the run with its line, or is lost alone where the caller gives `losses`.
"""

import re
from collections.abc import Iterator, Sequence

from noise2music.core.errors import UserError
from noise2music.core.storage import read_uri
from noise2music.core.tables.csv_dialect import Lines
from noise2music.core.tables.csv_reader import csv_rows
from noise2music.core.tables.encodings import Decoded, decode_text, is_broken
from noise2music.core.tables.json_reader import json_rows
from noise2music.core.tables.parquet_reader import parquet_rows
from noise2music.core.tables.row import Bad, Row
from noise2music.core.tally import Tally

__all__ = ["Row", "format_of", "table_rows", "text_rows"]

_FORMATS = {
    "csv": "csv",
    "tsv": "csv",
    "tab": "csv",
    "txt": "txt",
    "json": "json",
    "jsonl": "json",
    "ndjson": "json",
    "parquet": "parquet",
    "pq": "parquet",
}
_OTHERS = (
    (b"PK\x03\x04", "is a zip file or an Excel workbook. Save the sheet as csv"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook. Save the sheet as csv"),
    (b"\x1f\x8b", "is compressed (gzip). Unpack it"),
    (b"BZh", "is compressed (bzip2). Unpack it"),
    (b"\xfd7zXZ", "is compressed (xz). Unpack it"),
    (b"\x28\xb5\x2f\xfd", "is compressed (zstd). Unpack it"),
    (b"SQLite format 3", "is an SQLite database. Export the table as csv"),
    (b"version https://git-lfs", "is a pointer of Git LFS and not the file itself. Fetch it with `git lfs pull`"),
)
_PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html[\s>])", re.IGNORECASE)


def format_of(uri: str) -> str | None:
    """The format that the suffix names: "csv" (tsv too), "json" (jsonl too), "parquet" or "txt"; None for another."""
    return _FORMATS.get(uri.rsplit("/", 1)[-1].rpartition(".")[2].lower())


def table_rows(
    uri: str,
    columns: Sequence[str] | None,
    *,
    hint_columns: Sequence[str] = (),
    text_column: str | None = None,
    notes: Tally | None = None,
    losses: Tally | None = None,
    data: bytes | None = None,
    form: str | None = None,
) -> Iterator[Row]:
    """A local or remote table -> its rows in order, with at least `columns` (None: all).

    hint_columns: where no columns are required, names (lower case) that help to find a csv's header. text_column: the column of a list of
    texts, which may come without header or objects. notes: what is not as declared. losses: counts broken rows by reason, "bad_row" or
    "not_utf8"; without it the first one raises UserError. data, form: the file's bytes and format, where the caller has them.
    """
    form = form or format_of(uri)
    if form is None:
        raise UserError(f"{uri}: a table ends in .csv, .tsv, .jsonl, .json or .parquet; rename or convert this one")
    notes = Tally() if notes is None else notes
    data = read_uri(uri) if data is None else data
    form = format_inside(uri, data, form, notes)
    if form == "parquet":
        rows = parquet_rows(uri, data, columns, notes)
    elif form == "json":
        rows = json_rows(uri, decode_text(uri, data, notes), columns, text_column, notes)
    else:
        rows = csv_rows(uri, decode_text(uri, data, notes), columns, hint_columns, text_column, notes)
    return _good_rows(rows, losses)


def text_rows(uri: str, column: str, notes: Tally | None = None, losses: Tally | None = None, data: bytes | None = None) -> Iterator[Row]:
    """A local or remote text file -> its lines as cells of one column; blank lines are left out. LF, CRLF and CR end a line.

    notes, losses, data: as for `table_rows`. Raises UserError.
    """
    notes = Tally() if notes is None else notes
    data = read_uri(uri) if data is None else data
    if format_inside(uri, data, "txt", Tally()) != "txt":
        raise UserError(f"{uri} is Parquet and no text. Name it .parquet.")
    decoded = decode_text(uri, data, notes)
    yield from _good_rows(_lines(uri, column, decoded, notes), losses)


def _lines(uri: str, column: str, decoded: Decoded, notes: Tally) -> Iterator[Row | Bad]:
    for number, line in enumerate(Lines(decoded.text), 1):
        where = f"{uri}, line {number}"
        if "\0" in line:
            yield Bad(where, "bad_row", f"{where}: a NUL byte, so this is no text, or a damaged one. Save the file again as UTF-8.")
        elif decoded.doubt and is_broken(line):
            yield Bad(where, "not_utf8", f"{where}: {decoded.doubt}. Save the file as UTF-8.")
        elif line.strip():
            yield Row(where, {column: line.strip()}, notes)


def _good_rows(rows: Iterator[Row | Bad], losses: Tally | None) -> Iterator[Row]:
    for row in rows:
        if isinstance(row, Row):
            yield row
        elif losses is None:
            raise UserError(row.message)
        else:
            losses.lose(row.reason, row.message)


def format_inside(uri: str, data: bytes, form: str, notes: Tally) -> str:
    """The format of the bytes: `form`, or "parquet" where they are that under another name. Raises UserError for what is no table."""
    for begin, what in _OTHERS:
        if data.startswith(begin) and form != "parquet":
            raise UserError(f"{uri} {what}.")
    if form != "parquet" and _PAGE.match(data):
        raise UserError(f"{uri} is a web page and no table: perhaps its download failed. Get it again.")
    if data.startswith(b"PAR1") and data.endswith(b"PAR1") and form != "parquet":
        notes.lose("format", f"{uri} is Parquet, whatever its name says; it is read as that")
        return "parquet"
    return form
