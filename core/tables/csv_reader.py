"""Reads the rows of a csv or tsv. A broken row is reported with its line and costs no other row."""

import csv
from collections.abc import Iterator, Sequence

from noise2music.core.errors import UserError
from noise2music.core.tables.csv_dialect import Dialect, Lines, find_dialect, fits, tried_separators
from noise2music.core.tables.encodings import Decoded, is_broken
from noise2music.core.tables.row import Bad, Row, require_columns
from noise2music.core.tally import Tally


def csv_rows(
    uri: str, decoded: Decoded, columns: Sequence[str] | None, hint_columns: Sequence[str], text_column: str | None, notes: Tally
) -> Iterator[Row | Bad]:
    """The rows in order, with all their columns. Raises UserError: a column is missing, or it is not sure how the file is written."""
    dialect = find_dialect(uri, decoded.text, columns or (), hint_columns, text_column, notes)
    if dialect is None:
        raise UserError(f"{uri} is empty: its first line must name the columns")
    require_columns(uri, dialect.names, columns, _advice(decoded.text, dialect))
    lines = Lines(decoded.text, dialect.offset, dialect.line)
    reader = csv.reader(lines, **dialect.options)
    names, blank, again, header = dialect.names, 0, 2 * len(decoded.text), dialect.header
    while True:
        offset, number = lines.offset, lines.number
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            again -= lines.offset - offset
            if lines.number > number + 1 and again > 0:
                lines.offset, lines.number = offset, number
                next(lines)
            yield Bad(f"{uri}, line {number}", "bad_row", _unreadable(uri, number, error))
            continue
        if not cells or (len(cells) > 1 and not any(cell.strip() for cell in cells)):
            blank += bool(cells)
            continue
        if header:
            header -= 1
            continue
        yield _row(f"{uri}, line {number}", cells, dialect, names, decoded, notes)
    if blank:
        notes.lose("blank_rows", f"{uri}: {blank:,} rows without a single value are left out", blank)


def _row(where: str, cells: list[str], dialect: Dialect, names: tuple[str, ...], decoded: Decoded, notes: Tally) -> Row | Bad:
    if any("\0" in cell for cell in cells):
        return Bad(where, "bad_row", f"{where}: a NUL byte, so this is no text, or a damaged one. Export the table again as UTF-8.")
    if decoded.doubt and any(is_broken(cell) for cell in cells):
        return Bad(where, "not_utf8", f"{where}: {decoded.doubt}. Save the table as UTF-8.")
    if not fits(len(cells), dialect):
        mark = f"a {dialect.separator_name}" if dialect.separator else "a comma"
        return Bad(
            where,
            "bad_row",
            f"{where}: {len(cells)} cells where the header has {len(names)} columns, with the {dialect.separator_name} as the separator. "
            f"A cell that holds {mark} must be quoted. Mend the line or export the table again.",
        )
    if dialect.tail == "tags":
        return Row(where, dict(zip(names, [*cells[: len(names) - 1], cells[len(names) - 1 :]], strict=True)), notes)
    return Row(where, dict(zip(names, cells, strict=False)), notes)


def _unreadable(uri: str, line: int, error: csv.Error) -> str:
    return (
        f"{uri}: the row that begins in line {line} cannot be read ({error}). "
        'A quoted cell must be closed, and a " inside it doubled. Mend the line or export the table again.'
    )


def _advice(text: str, dialect: Dialect) -> str:
    if len(dialect.names) > 1:
        return "" if dialect.separator == "," else f" (separated by {dialect.separator_name})"
    return f" (cells of its first line with each separator: {tried_separators(text, dialect)})"
