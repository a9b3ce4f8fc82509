"""Reads tables from outside: csv, tsv, json, jsonl or parquet by suffix, or lines of text. One reader for all of them.

The dialect and encoding of a csv are found from the file (csv_dialect, encodings). Anything that is not as declared is reported in `notes`.
A broken row stops the run with its line, or is lost alone where the caller gives `losses`.
"""

from collections.abc import Iterator, Sequence

from noise2music.core.errors import UserError
from noise2music.core.storage import read_uri
from noise2music.core.tables.csv_dialect import Lines
from noise2music.core.tables.csv_reader import csv_rows
from noise2music.core.tables.disguise import format_inside
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
