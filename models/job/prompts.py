"""The prompts of a batch job: each row of somebody's file becomes a clip to make or a dead letter. Their order decides nothing."""

import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from noise2music.core.errors import RowError, UserError
from noise2music.core.ids import stable_id
from noise2music.core.tables.row import missing
from noise2music.core.tally import Tally
from noise2music.models.generation.plan import MAX_SECONDS, says_something
from noise2music.models.job.prompt import Prompt, check_key, content_of
from noise2music.models.job.prompt_rows import prompt_rows
from noise2music.models.job.record import DeadLetter, row_dead_letter, shown

# Cells of a prompt file as values. Each function gives None (or nothing) for an empty cell and raises RowError for one it cannot
# use.


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


def optional_text(row: Mapping[str, Any], column: str) -> str | None:
    """As `text`; what tables write for a value that is not there ("nan", "None") is none."""
    cell = text(row, column)
    return None if cell is None or missing(cell) else cell


def number(row: Mapping[str, Any], column: str) -> float | None:
    """A finite number. "1,5" is 1.5, as tables with semicolons write it; "1,500" might be either and is none."""
    cell = text(row, column)
    if cell is None:
        return None
    try:
        value = float(cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell)
    except ValueError:
        value = math.nan
    # Python reads 1_0 as ten.
    if "_" in cell or not math.isfinite(value):
        raise RowError(f"bad_{column}", f"{column} is {cell[:40]!r}; it must be a number")
    return value


def whole_number(row: Mapping[str, Any], column: str) -> int | None:
    """A whole number from 0 to LARGEST_SEED; 7.0, as tables with gaps hold it, is 7."""
    cell = text(row, column)
    if cell is None:
        return None
    digits = cell.removesuffix(".0")
    if not (digits.isascii() and digits.isdigit() and len(digits) < 20 and int(digits) <= LARGEST_SEED):
        raise RowError(f"bad_{column}", f"{column} is {cell[:40]!r}; it must be a whole number from 0 to {LARGEST_SEED}")
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
        stretches = sorted((float(start), float(end)) for start, end in pairs)
    except (TypeError, ValueError, OverflowError):
        raise _bad_spans(column, value) from None
    if len(stretches) > MOST_SPANS or any(not 0 <= start < end < math.inf for start, end in stretches):
        raise _bad_spans(column, value)
    return tuple(stretches)


def _spans_of(column: str, cell: str) -> Any:
    if not cell.strip():
        return None
    if cell.lstrip().startswith("["):
        try:
            return json.loads(cell)
        except (ValueError, RecursionError):
            raise _bad_spans(column, cell) from None
    matches = [_SPAN.fullmatch(piece) for piece in cell.split(";") if piece.strip()]
    if not all(matches):
        raise _bad_spans(column, cell)
    return [[match[1], match[2]] for match in matches if match]


def _bad_spans(column: str, value: object) -> RowError:
    return RowError(f"bad_{column}", f'{column} is {str(value)[:80]!r}; write seconds as "0-10; 20-30", each from less to more')


LONGEST_PROMPT = 100_000


@dataclass(frozen=True)
class PromptFile:
    """prompts: in the order of the file, each key once. dead: rows that cannot become a clip. rows: how many the file has.

    notes: what a reader of the file may not expect: its encoding, equal rows, lines that are no prompt.
    """

    prompts: tuple[Prompt, ...]
    dead: tuple[DeadLetter, ...]
    rows: int
    notes: tuple[str, ...] = ()


def read_prompts(uri: str, seconds: float, seed: int) -> PromptFile:
    """A txt (a prompt a line), csv, tsv, json, jsonl or parquet file, local or remote; `seconds` and `seed` where a row gives none.

    A row without a key gets a hash of all that it says. Equal rows are one clip; rows that share a key (case apart, which some file
    systems do not tell) and ask for different things are all dead. Raises UserError: the file cannot be read, has a column that is not
    known, or holds no prompt.
    """
    by_key: defaultdict[str, dict[str, Prompt | DeadLetter]] = defaultdict(dict)
    notes = Tally()
    rows = 0
    for row in prompt_rows(uri, notes):
        rows += 1
        try:
            prompt = _read(row.cells, seconds, seed)
            by_key[prompt.key.lower()].setdefault(prompt.request, prompt)
        except RowError as error:
            letter = row_dead_letter(row.cells, error)
            by_key[letter.name.lower()].setdefault(letter.request, letter)
    if not rows:
        raise UserError(f"{uri} holds no prompt. Write one prompt a line, or a table with a column 'prompt'.")
    prompts: list[Prompt] = []
    dead: list[DeadLetter] = []
    for same in by_key.values():
        items = list(same.values())
        if len(items) > 1:
            dead.append(_conflict(items))
        else:
            prompts.extend(item for item in items if isinstance(item, Prompt))
            dead.extend(item for item in items if isinstance(item, DeadLetter))
    different = sum(map(len, by_key.values()))
    if different < rows:
        notes.lose("same_rows", f"{uri}: {rows:,} rows ask for {different:,} different things; equal rows are one", rows - different)
    return PromptFile(tuple(prompts), tuple(dead), rows, tuple(texts[0] for _, texts in sorted(notes.examples.items())))


def _read(row: Mapping[str, object], seconds: float, seed: int) -> Prompt:
    """One row. Raises RowError: which cell cannot be used and why."""
    prompt = text(row, "prompt")
    if prompt is None:
        raise RowError("empty_prompt", "the row has no prompt")
    if missing(prompt):
        raise RowError("empty_prompt", f"the prompt is {prompt!r}, which is what tables write for a value that is not there")
    if not says_something(prompt):
        raise RowError("empty_prompt", "the prompt holds nothing that can be seen")
    negative = optional_text(row, "negative")
    for name, value in (("prompt", prompt), ("negative", negative or "")):
        if len(value) > LONGEST_PROMPT:
            raise RowError(f"long_{name}", f"the {name} has {len(value):,} characters; at most {LONGEST_PROMPT:,} are read")
    row_seconds = number(row, "seconds")
    if row_seconds is not None and not 0 < row_seconds <= MAX_SECONDS:
        raise RowError("bad_seconds", f"seconds is {row_seconds:g}; it must be more than 0 and at most {MAX_SECONDS:g}")
    row_seed = whole_number(row, "seed")
    result = Prompt(
        key="",
        prompt=prompt,
        seconds=seconds if row_seconds is None else row_seconds,
        seed=seed if row_seed is None else row_seed,
        negative=negative,
        init=optional_text(row, "init"),
        keep=spans(row, "keep"),
    )
    if result.keep and result.init is None:
        raise RowError("bad_keep", "keep says what stays of the init audio, but the row has no init")
    if result.keep and (last := max(end for _, end in result.keep)) > result.seconds:
        raise RowError("bad_keep", f"keep ends at {last:g} s, after the clip of {result.seconds:g} s")
    key = optional_text(row, "key")
    return replace(result, key=stable_id(content_of(result, row_seconds, row_seed)) if key is None else check_key(key))


def _conflict(same: Sequence[Prompt | DeadLetter]) -> DeadLetter:
    """One letter for rows that cannot all be the clip of one key."""
    names = sorted({item.key for item in same})
    also = sorted({f"{item.reason}: {item.message}" for item in same if isinstance(item, DeadLetter)})
    return DeadLetter(
        name=names[0],
        key=", ".join(names),
        request=stable_id("key_conflict", *sorted(item.request for item in same)),
        reason="key_conflict",
        message=shown(
            f"{len(same)} rows have this key and ask for different things. Give each a key of its own, or none, and it gets one."
            + (f" Of these rows some could not be made anyway ({'; '.join(also)})." if also else "")
        ),
        prompt=shown(min(item.prompt for item in same)),
    )
