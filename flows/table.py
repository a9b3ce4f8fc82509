"""Tables on the terminal, or the same as JSON."""

import json
from collections.abc import Mapping, Sequence
from typing import Any


def print_rows(rows: Sequence[Mapping[str, Any]], as_json: bool) -> None:
    """One line a row with aligned columns, or one JSON array. Numbers are set to the right."""
    if as_json:
        print(json.dumps([dict(row) for row in rows], indent=1, ensure_ascii=False))
        return
    if not rows:
        print("(nothing)")
        return
    names = list(rows[0])
    cells = [[_cell(row.get(name)) for name in names] for row in rows]
    right = [all(isinstance(row.get(name), int | float) or row.get(name) is None for row in rows) for name in names]
    widths = [max(len(name), *(len(line[column]) for line in cells)) for column, name in enumerate(names)]
    for line in [names, *cells]:
        padded = (text.rjust(width) if to_right else text.ljust(width) for text, width, to_right in zip(line, widths, right, strict=True))
        print("  ".join(padded).rstrip())


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}".rstrip("0").rstrip(".")
    text = " ".join(str(value).split())
    return text if len(text) <= 100 else text[:99] + "…"
