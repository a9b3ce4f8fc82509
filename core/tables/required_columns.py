"""Checks that a table has the required columns."""

import difflib
from collections.abc import Sequence

from noise2music.core.errors import UserError
from noise2music.core.tables.row import short, short_list


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
