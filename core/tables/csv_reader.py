"""Rows of a csv or tsv. What is broken is named with its line, and costs no other row."""

import csv
from collections.abc import Iterator, Sequence

from noise2music.core.errors import UserError
from noise2music.core.tables.columns_wanted import require
from noise2music.core.tables.csv_dialect import Dialect, Lines, find_dialect, fits, tried_separators
from noise2music.core.tables.encodings import Decoded, is_broken
from noise2music.core.tables.row import Bad, Row
from noise2music.core.tally import Tally


def csv_rows(
    uri: str, decoded: Decoded, wanted: Sequence[str] | None, known: Sequence[str], text_column: str | None, notes: Tally
) -> Iterator[Row | Bad]:
    """The rows in order, with all their columns. Raises UserError: a column is missing, or it is not sure how the file is written."""
    dialect = find_dialect(uri, decoded.text, wanted or (), known, text_column, notes)
    if dialect is None:
        raise UserError(f"{uri} is empty: its first line must name the columns")
    require(uri, dialect.names, wanted, _advice(decoded.text, dialect))
    lines = Lines(decoded.text, dialect.place, dialect.line)
    reader = csv.reader(lines, **dialect.options)
    names, blank, again, header = dialect.names, 0, 2 * len(decoded.text), dialect.header
    while True:
        place, number = lines.place, lines.number
        try:
            cells = next(reader)
        except StopIteration:
            break
        except csv.Error as error:
            again -= lines.place - place
            if lines.number > number + 1 and again > 0:
                lines.place, lines.number = place, number
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
        mark = f"a {dialect.said}" if dialect.separator else "a comma"
        return Bad(
            where,
            "bad_row",
            f"{where}: {len(cells)} cells where the header has {len(names)} columns, with the {dialect.said} as the separator. "
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
        return "" if dialect.separator == "," else f" (separated by {dialect.said})"
    return f" (cells of its first line with each separator: {tried_separators(text, dialect)})"
