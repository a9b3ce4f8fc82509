"""Cells of a prompt file as values. Each function gives None (or nothing) for an empty cell and raises RowError for one it cannot use."""

import json
import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from labeling.errors import RowError
from labeling.row import missing

MOST_SPANS = 1000
LARGEST_SEED = 2**63 - 1

_DECIMAL_COMMA = re.compile(r"\d+,\d{1,2}")
_SPAN = re.compile(r"\s*(\d+(?:\.\d*)?|\.\d+)\s*-\s*(\d+(?:\.\d*)?|\.\d+)\s*")


def text(row: Mapping[str, Any], column: str) -> str | None:
    """Text without space around it. What JSON can hold and tags cannot becomes "?" (half a surrogate pair) or a space (NUL). A number is
    its digits.
    """
    value = row.get(column)
    if isinstance(value, float | Decimal):
        if math.isnan(value):
            return None
        value = int(value) if math.isfinite(value) and value == int(value) else float(value)
    if value is None:
        return None
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        raise RowError(f"bad_{column}", f"{column} holds a {type(value).__name__}; it must hold text")
    return str(value).encode("utf-8", "replace").decode().replace("\0", " ").strip() or None


def given_text(row: Mapping[str, Any], column: str) -> str | None:
    """As `text`; what tables write for a value that is not there ("nan", "None") is none."""
    said = text(row, column)
    return None if said is None or missing(said) else said


def number(row: Mapping[str, Any], column: str) -> float | None:
    """A finite number. "1,5" is 1.5, as tables with semicolons write it; "1,500" might be either and is none."""
    said = text(row, column)
    if said is None:
        return None
    try:
        value = float(said.replace(",", ".") if _DECIMAL_COMMA.fullmatch(said) else said)
    except ValueError:
        value = math.nan
    # Python reads 1_0 as ten.
    if "_" in said or not math.isfinite(value):
        raise RowError(f"bad_{column}", f"{column} is {said[:40]!r}; it must be a number")
    return value


def whole_number(row: Mapping[str, Any], column: str) -> int | None:
    """A whole number from 0 to LARGEST_SEED; 7.0, as tables with gaps hold it, is 7."""
    said = text(row, column)
    if said is None:
        return None
    digits = said.removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and int(digits) <= LARGEST_SEED):
        raise RowError(f"bad_{column}", f"{column} is {said[:40]!r}; it must be a whole number from 0 to {LARGEST_SEED}")
    return int(digits)


def spans(row: Mapping[str, Any], column: str) -> tuple[tuple[float, float], ...]:
    """Stretches of seconds in their order: "0-10; 20-30", [0, 10] or [[0, 10], [20, 30]]."""
    value: Any = row.get(column)
    if isinstance(value, str):
        value = _spans_of(column, value)
    if value is None or value == [] or (isinstance(value, float) and math.isnan(value)):
        return ()
    pairs: Any = [value] if isinstance(value, list) and not any(isinstance(item, list) for item in value) else value
    try:
        made = sorted((float(start), float(end)) for start, end in pairs)
    except (TypeError, ValueError, OverflowError):
        raise _bad_spans(column, value) from None
    if len(made) > MOST_SPANS or any(not 0 <= start < end < math.inf for start, end in made):
        raise _bad_spans(column, value)
    return tuple(made)


def _spans_of(column: str, said: str) -> Any:
    if not said.strip():
        return None
    if said.lstrip().startswith("["):
        try:
            return json.loads(said)
        except (ValueError, RecursionError):
            raise _bad_spans(column, said) from None
    found = [_SPAN.fullmatch(piece) for piece in said.split(";") if piece.strip()]
    if not all(found):
        raise _bad_spans(column, said)
    return [[match[1], match[2]] for match in found if match]


def _bad_spans(column: str, value: object) -> RowError:
    return RowError(f"bad_{column}", f'{column} is {str(value)[:80]!r}; write seconds as "0-10; 20-30", each from less to more')
