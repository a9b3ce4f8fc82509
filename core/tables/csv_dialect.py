"""Finds how a csv is written: its separator, its quotes, where its header is. Where that is not sure, nothing is read.

Each separator is tried on the first rows. A reading counts when its header has the required columns; of several, the one whose rows have as
many cells as the header wins. A line `sep=;`, as Excel writes it, is one more candidate. A file of one column is not split at all, so its
texts may hold commas and semicolons.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from noise2music.core.errors import UserError
from noise2music.core.tally import Tally

SEPARATORS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "bar"}
_SEP_LINE = re.compile(r'"?sep=(.)"?[ \t;,]*(?:\r\n|\n|\r|$)', re.IGNORECASE)
_LINE_END = re.compile(r"\r\n|\n|\r")
_ROWS, _CHARACTERS = 500, 1 << 20
_NEVER = ("\x1f", "\x1e", "\x1d", "\x1c", "\ue000", "\uf8ff")
_MTG_TAG = re.compile(r"[a-z/]+---.+")

csv.field_size_limit(1 << 30)


@dataclass(frozen=True)
class Dialect:
    """names: of the columns. separator: "" where there is one column. offset, line: where the first record of the header begins.

    header: how many records name the columns. tail: what rows hold beyond the header's columns: None (nothing), "empty" (one empty
    cell), "tags" (more tags, as in MTG-Jamendo's tables).
    """

    names: tuple[str, ...]
    separator: str
    options: dict[str, Any] = field(default_factory=dict)
    offset: int = 0
    line: int = 1
    header: int = 1
    tail: str | None = None

    @property
    def separator_name(self) -> str:
        """The separator in words."""
        return SEPARATORS.get(self.separator, repr(self.separator)) if self.separator else "no"


class Lines:
    """Lines of a text with their ends, from `offset` on; csv reads them, and `offset` and `number` say how far it is."""

    def __init__(self, text: str, offset: int = 0, number: int = 1) -> None:
        self.text, self.offset, self.number = text, offset, number

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> str:
        if self.offset >= len(self.text):
            raise StopIteration
        end = _LINE_END.search(self.text, self.offset)
        begin, self.offset = self.offset, end.end() if end else len(self.text)
        self.number += 1
        return self.text[begin : self.offset]


@dataclass
class _Reading:
    separator: str
    options: dict[str, Any]
    records: list[list[str]]
    errors: int
    names: tuple[str, ...] = ()
    header: int = 1
    tail: str | None = None

    def share(self) -> float:
        """Share of the rows that have as many cells as the header."""
        rows = self.records[self.header :]
        fit = sum(fits(len(cells), self) for cells in rows)
        return fit / max(1, len(rows) + self.errors)


def fits(cells: int, layout: "_Reading | Dialect") -> bool:
    """Whether a row with so many cells is one of the table's."""
    columns = len(layout.names)
    return cells == columns or (layout.tail == "empty" and cells == columns + 1) or (layout.tail == "tags" and cells > columns)


def find_dialect(
    uri: str, text: str, columns: Sequence[str], hint_columns: Sequence[str], text_column: str | None, notes: Tally | None
) -> Dialect | None:
    """The dialect of a csv that has all `columns` or, where none are given, the most of `hint_columns`; None for an empty file.

    text_column: the column of a list of texts, which may come without a header. Raises UserError that names the separators.
    """
    offset, line = _skip_blank(text, 0, 1)
    claimed = _SEP_LINE.match(text, offset)
    if claimed:
        offset, line = claimed.end(), line + 1
    begun = offset
    tried = dict.fromkeys([*([claimed[1]] if claimed else []), *SEPARATORS])
    offset, line, readings = _begin(text, offset, line, list(tried), columns, hint_columns)
    if not any(reading.records for reading in readings):
        return None
    if text.startswith("#", begun) and offset > begun and notes is not None:
        notes.lose("comments", f"{uri}: the lines that begin with # before the header are left out")
    having = [reading for reading in readings if _has(reading.names, columns, hint_columns)]
    several = [reading for reading in having if len(reading.names) > 1]
    if several:
        best = max(several, key=lambda reading: (_hint_count(reading.names, hint_columns), reading.share(), len(reading.names)))
        return _dialect(best, offset, line)
    if claimed and not having:
        return _dialect(_widest(readings), offset, line)
    if having or text_column is not None:
        return _one_column(uri, text, readings, offset, line, having, text_column, notes)
    return _dialect(_widest(readings), offset, line)


def tried_separators(text: str, dialect: Dialect) -> str:
    """How many cells each separator gives, for a message about a missing column."""
    counts = {name: len(next(_records(text, dialect.offset, _options(mark), 1), ([],))[0]) for mark, name in SEPARATORS.items()}
    return ", ".join(f"{name}: {count}" for name, count in counts.items())


def _begin(
    text: str, offset: int, line: int, tried: list[str], columns: Sequence[str], hint_columns: Sequence[str]
) -> tuple[int, int, list[_Reading]]:
    """Where the header begins, past comments, and the readings from there. AudioSet's header is the last of its comments."""
    readings = _readings(text, offset, tried)
    if not text.startswith("#", offset) or any(_has(reading.names, columns, hint_columns) for reading in readings):
        return offset, line, readings
    lines = Lines(text, offset, line)
    before = (offset, line)
    while text.startswith("#", lines.offset):
        before = (lines.offset, lines.number)
        next(lines)
    comment = before[0] + len(re.match(r"#+[ \t]*", text[before[0] :])[0])  # type: ignore[index]
    named = _readings(text, comment, tried)
    if (columns or hint_columns) and any(_has(reading.names, columns, hint_columns) and len(reading.names) > 1 for reading in named):
        return comment, before[1], named
    after = _readings(text, lines.offset, tried)
    if any(_has(reading.names, columns, hint_columns) for reading in after) or re.match(r"#[# \t]", text[offset : offset + 2]):
        return lines.offset, lines.number, after
    return offset, line, readings


def _one_column(
    uri: str,
    text: str,
    readings: list[_Reading],
    offset: int,
    line: int,
    having: list[_Reading],
    text_column: str | None,
    notes: Tally | None,
) -> Dialect:
    """A file of one column, with its header or, for a list of texts, without. Raises UserError where its rows may be several cells."""
    split = [reading for reading in readings if _splits(reading.records[1:] if having else reading.records, reading.separator)]
    headed_rows = [reading for reading in readings if _splits(reading.records[1:], reading.separator)]
    unsure = split or ([] if having else headed_rows)
    if unsure:
        best = max(unsure, key=lambda reading: len(reading.records[-1]))
        if having:
            raise UserError(
                f"{uri}: the header is one column, {having[0].names[0]!r}, yet with the {_word(best)} as the separator every row has "
                f"{len(best.records[-1])} cells ({_cells(best.records[-1])}). Name all columns in the header, or quote the texts."
            )
        return _dialect(best, offset, line)
    if not having and notes is not None and text_column is not None:
        first = next(iter(readings[0].records), [""])[0]
        notes.lose("no_header", f"{uri} has no column {text_column!r}: each line is a text, the first one, {first[:60]!r}, too")
    options = _options(next(mark for mark in _NEVER if mark not in text))
    return Dialect((text_column or having[0].names[0],) if not having else having[0].names, "", options, offset, line, 1 if having else 0)


def _splits(rows: list[list[str]], separator: str) -> bool:
    """Whether lines rather are rows of several cells: all have as many, and these are no words that go on after ", "."""
    counts = Counter(len(cells) for cells in rows)
    if not rows or len(counts) != 1 or next(iter(counts)) < 2:
        return False
    if len(rows) == 1:
        return not all(cell.startswith(" ") for cell in rows[0][1:])
    numbers = all(re.fullmatch(r"\s*[\d.,]+\s*", cells[-1]) for cells in rows)
    return numbers or separator == "\t" or not all(cell.startswith(" ") for cells in rows for cell in cells[1:])


def _has(names: Sequence[str], columns: Sequence[str], hint_columns: Sequence[str]) -> bool:
    return all(name in names for name in columns) if columns else _hint_count(names, hint_columns) > 0


def _hint_count(names: Sequence[str], hint_columns: Sequence[str]) -> int:
    folded = {name.casefold() for name in names}
    return sum(name in folded for name in hint_columns)


def _widest(readings: list[_Reading]) -> _Reading:
    return max(readings, key=lambda reading: (len(reading.names) > 1 and reading.share() > 0.5, len(reading.names), reading.share()))


def _readings(text: str, offset: int, tried: Sequence[str]) -> list[_Reading]:
    return [_reading(text, offset, mark) for mark in tried]


def _reading(text: str, offset: int, mark: str) -> _Reading:
    """The best of the ways in which a file with this separator may be quoted."""
    sample = text[offset : offset + _CHARACTERS]
    ways = [_options(mark)]
    if re.search(re.escape(mark) + ' +"', sample):
        ways.append(_options(mark, skipinitialspace=True))
    if '\\"' in sample:
        ways.append(_options(mark, escapechar="\\", doublequote=False))
    if mark == "\t" and '"' in sample:
        ways.append(_options(mark, quoting=csv.QUOTE_NONE))
    candidates = []
    for options in ways:
        records, errors = [], 0
        for cells, error in _records(sample, 0, options, _ROWS):
            errors += error
            records += [cells] if not error else []
        if len(text) > offset + _CHARACTERS and len(records) > 1:
            records.pop()
        candidates.append(_named(_Reading(mark, options, records, errors)))
    return max(candidates, key=lambda reading: reading.share())


def _records(text: str, offset: int, options: dict[str, Any], limit: int) -> Iterator[tuple[list[str], bool]]:
    """Up to `limit` records that are not blank, and whether each could not be read."""
    reader = csv.reader(Lines(text, offset), **options)
    for _ in range(limit):
        try:
            cells = next(reader)
            while not any(cell.strip() for cell in cells):
                cells = next(reader)
            yield cells, False
        except StopIteration:
            return
        except csv.Error:
            yield [], True


def _options(mark: str, **more: Any) -> dict[str, Any]:
    return {"delimiter": mark, "strict": True, **more}


def _named(reading: _Reading) -> _Reading:
    """The reading with its columns' names: from one record, or from three as pandas writes a table of two levels (FMA's tracks.csv)."""
    records = reading.records
    if not records:
        return reading
    first = [cell.strip().strip("\ufeff") for cell in records[0]]
    if len(records) > 3 and len(first) > 2 and not first[0] and not records[1][0].strip() and len(records[1]) == len(first):
        third = [cell.strip() for cell in records[2]]
        if len(third) == len(first) and third[0] and not any(third[1:]):
            second = [cell.strip() for cell in records[1]]
            levels = (
                f"{one}.{two}" if one and not one.startswith("Unnamed:") else two for one, two in zip(first[1:], second[1:], strict=True)
            )
            reading.names, reading.header = (third[0], *levels), 3
            return reading
    reading.names = tuple(first)
    rows = records[1:]
    if rows and all(len(cells) == len(first) + 1 and not cells[-1].strip() for cells in rows):
        reading.tail = "empty"
    elif rows and len(first) > 1 and not first[-1] and all(len(cells) == len(first) - 1 for cells in rows):
        reading.names = tuple(first[:-1])
    elif reading.separator == "\t" and rows and all(len(cells) >= len(first) for cells in rows):
        tags = [cell for cells in rows for cell in cells[len(first) - 1 :]]
        if all(_MTG_TAG.fullmatch(tag.strip()) for tag in tags):
            reading.tail = "tags"
    return reading


def _dialect(reading: _Reading, offset: int, line: int) -> Dialect:
    return Dialect(reading.names, reading.separator, reading.options, offset, line, reading.header, reading.tail)


def _skip_blank(text: str, offset: int, line: int) -> tuple[int, int]:
    lines = Lines(text, offset, line)
    while lines.offset < len(text):
        offset, line = lines.offset, lines.number
        if next(lines).strip():
            return offset, line
    return len(text), lines.number


def _word(reading: _Reading) -> str:
    return SEPARATORS.get(reading.separator, repr(reading.separator))


def _cells(cells: Sequence[str]) -> str:
    return ", ".join(repr(cell[:30]) for cell in cells[:4]) + (", ..." if len(cells) > 4 else "")
