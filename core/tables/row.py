"""One row of a table, its cells as text, and the check that it has the required columns."""

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from noise2music.core.errors import UserError
from noise2music.core.tables.cell_items import MISSING, UnreadableCellError, list_items, looks_listed, name_of, plain_text, shortened
from noise2music.core.tally import Tally

_MAX_CHARACTERS = 80
_DECIMAL_YEAR = re.compile(r"\d{4,15}\.0")


@dataclass(frozen=True)
class Bad:
    """A row that cannot be read. reason: "bad_row" or "not_utf8". message: what is wrong, where, and what to do."""

    where: str
    reason: str
    message: str


@dataclass(frozen=True)
class Row:
    """where: "FILE, line 7", for messages. cells: the required columns, or all. notes: collects warnings."""

    where: str
    cells: Mapping[str, Any]
    notes: Tally = field(default_factory=Tally, compare=False, repr=False)

    def warn(self, reason: str, message: str) -> None:
        """Note that something about this row is not as declared."""
        self.notes.lose(reason, f"{self.where}: {message}")

    def texts(self, column: str) -> list[str]:
        """The cell as texts: none when it is empty or missing, several when it is a list or is written as one (core.tables.cell_items).

        1979.0 is "1979", and so is the text "1979.0". A truth value is no text. Both are noted.
        Raises UserError when it is a structure.
        """
        return [text for item in self._listed(column) if (text := self._text(column, item))]

    def items(self, column: str) -> list[str]:
        """The cell as tags: every form of list that core.tables.cell_items knows. What cannot be read is dropped and noted."""
        value = self.cells.get(column)
        try:
            items = list_items(value)
        except UnreadableCellError as error:
            self.warn(error.reason, f"column {short(column)!r} is left out: {error}")
            return []
        listed = looks_listed(value) if isinstance(value, str) else not isinstance(value, int | float)
        texts = []
        for item in items:
            text = plain_text(item)
            if isinstance(item, bool) or (listed and isinstance(item, int | float) and text is not None):
                self.warn("number_in_list", f"column {short(column)!r} lists {item!r}, which is no text; it is left out")
            elif text is not None:
                texts.append(text)
        return texts

    def _listed(self, column: str) -> list[Any]:
        value = self.cells.get(column)
        if isinstance(value, str):
            if value[:1] == "[" and value[-1:] == "]":
                try:
                    items = list_items(value)
                except UnreadableCellError:
                    return [value]
                return items if items and all(item is None or type(item) is str for item in items) and _quoted(value) else [value]
            return [value]
        return list(value) if isinstance(value, list | tuple) else [value]

    def _text(self, column: str, value: Any) -> str:
        if isinstance(value, Mapping):
            value = name_of(value) or value
        if isinstance(value, bool):
            self.warn("not_text", f"column {short(column)!r} holds {value}, which is no text; it counts as missing")
            return ""
        if isinstance(value, Mapping | list | tuple | set):
            raise UserError(f"{self.where}: column {short(column)!r} holds a {type(value).__name__}; it must hold text or a list of texts")
        text = plain_text(value)
        if text is None and isinstance(value, bytes):
            raise UserError(f"{self.where}: column {short(column)!r} holds bytes that are no UTF-8 text: {shortened(repr(value))}")
        if text and _DECIMAL_YEAR.fullmatch(text.strip()) and isinstance(value, str):
            self.warn(
                "decimal",
                f"column {short(column)!r} holds {text.strip()!r}, as a column with gaps makes of a number; it is read without .0",
            )
            return text.strip()[:-2]
        return text or ""


def missing(text: str) -> bool:
    """Whether a text is what pandas writes for a value that is not there."""
    return text.strip() in MISSING


def short(name: str) -> str:
    """A column's name for a message."""
    return name if len(name) <= _MAX_CHARACTERS else name[: _MAX_CHARACTERS - 1] + "…"


def short_list(names: Sequence[str], most: int = 20) -> str:
    """Names for a message."""
    return ", ".join(repr(short(name)) for name in names[:most]) + (", ..." if len(names) > most else "")


def _quoted(text: str) -> bool:
    return "'" in text or '"' in text


def require_columns(uri: str, names: Sequence[str], columns: Sequence[str] | None, advice: str = "") -> None:
    """Raises UserError unless each of `columns` (None: all that the table has) is there once. advice: follows the list of names."""
    for column in dict.fromkeys((name for name in names if name) if columns is None else columns):
        if names.count(column) > 1:
            raise UserError(f"{uri} has {names.count(column)} columns {short(column)!r}: rename all but one")
        if column not in names:
            near = difflib.get_close_matches(column, dict.fromkeys(names), n=3)
            ends = [name for name in names if name.endswith(f".{column}")][:3]
            near = list(dict.fromkeys([*ends, *near]))[:3]
            has = short_list(names)
            hint = f"did you mean {' or '.join(repr(short(name)) for name in near)}? It has" if near else "it has"
            raise UserError(
                f"{uri} has no column {column!r}: {hint} {has or 'no columns'}{advice}. Name the right one, or mend the header."
            )
