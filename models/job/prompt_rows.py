"""Rows of a file of prompts, whatever its format, with their cells under the names that a prompt has."""

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from noise2music.core.errors import UserError
from noise2music.core.storage import read_uri
from noise2music.core.tables.cell_items import plain_text
from noise2music.core.tables.row import Row
from noise2music.core.tables.tables import format_of, table_rows, text_rows
from noise2music.core.tally import Tally

COLUMNS = ("prompt", "key", "seed", "seconds", "negative", "init", "keep")

_OTHER_NAMES = {"negative_prompt": "negative"}
_STANDS_IN = "caption"
_INDEX = re.compile(r"|Unnamed: \d+|__index_level_\d+__|index|level_\d+")
_COMMENT = re.compile(r"#+(?:\s|$)")
_NUMBERED = re.compile(r"(\d{1,6})[.)]\s+(?=\S)")


def prompt_rows(uri: str, notes: Tally) -> Iterator[Row]:
    """The rows in order, with cells under COLUMNS alone. notes: what is left out or taken for another thing.

    Raises UserError: the file cannot be read, has a column that is not known, or none with prompts.
    """
    form = format_of(uri)
    if form is None:
        raise UserError(f"{uri}: a file of prompts ends in .txt, .csv, .tsv, .jsonl, .json or .parquet; rename or convert this one.")
    data = read_uri(uri)
    if form == "txt" and not _is_table(uri, data):
        yield from _lines(uri, data, notes)
        return
    known = (*COLUMNS, *_OTHER_NAMES, _STANDS_IN)
    columns: dict[tuple[str, ...], dict[str, str]] = {}
    named: set[str] = set()
    form = "csv" if form == "txt" else form
    bare = "prompt" if form == "json" else None
    for row in table_rows(uri, None, hint_columns=known, text_column=bare, notes=notes, data=data, form=form):
        names = tuple(row.cells)
        if names not in columns:
            columns[names] = _known(row, names, notes)
            named.update(columns[names].values())
        _check_index(row, names)
        yield replace(row, cells={name: row.cells[given] for given, name in columns[names].items()})
    if columns and "prompt" not in named:
        raise UserError(f"{uri} has no column 'prompt'.")


def _is_table(uri: str, data: bytes) -> bool:
    """Whether a text file is a table: its first line names columns that are all known, with tabs between them."""
    first = next((row.cells["line"] for row in text_rows(uri, "line", losses=Tally(), data=data)), "")
    names = [name.strip().casefold() for name in first.split("\t")]
    return len(names) > 1 and "prompt" in names and all(name in (*COLUMNS, *_OTHER_NAMES) for name in names)


def _lines(uri: str, data: bytes, notes: Tally) -> Iterator[Row]:
    """A prompt a line. Lines that begin with "# " are comments; quotes around every line and numbers 1, 2, 3 before them are left out."""
    found = list(text_rows(uri, "prompt", notes, data=data))
    rows = [row for row in found if not _COMMENT.match(row.cells["prompt"])]
    if len(rows) < len(found):
        comments = len(found) - len(rows)
        notes.lose("comments", f'{uri}: {len(found):,} lines, {comments:,} of them comments (they begin with "# "), {len(rows):,} prompts')
    said = [str(row.cells["prompt"]) for row in rows]
    if said and all(len(text) > 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1].replace('""', "") for text in said):
        notes.lose("quotes", f"{uri}: every line is in quotes; they are left out")
        said = [text[1:-1].replace('""', '"') for text in said]
    numbers = [_NUMBERED.match(text) for text in said]
    if len(said) > 1 and all(match and int(match[1]) == place for place, match in enumerate(numbers, 1)):
        notes.lose("numbers", f"{uri}: the lines are numbered from 1 on; the numbers are left out")
        said = [text[match.end() :] for text, match in zip(said, numbers, strict=True) if match]
    for row, text in zip(rows, said, strict=True):
        yield replace(row, cells={"prompt": text})


def _known(row: Row, names: Sequence[str], notes: Tally) -> dict[str, str]:
    """Columns as the file names them -> their own names. Names are told apart without case; an index of pandas is left out.

    A column that is not known may be a known one, misspelt, so it is an error, unless the table is one of captions.
    """
    folded = {name: name.strip().casefold() for name in names}
    named: dict[str, str] = {}
    unknown = []
    for name in names:
        column = _OTHER_NAMES.get(folded[name], folded[name])
        if column in COLUMNS:
            if column in named.values():
                raise UserError(f"{row.where}: both {column!r} and {name!r} are given; keep one.")
            named[name] = column
        elif not _INDEX.fullmatch(name):
            unknown.append(name)
    captions = [name for name in unknown if folded[name] == _STANDS_IN]
    if captions and "prompt" not in named.values():
        named[captions[0]] = "prompt"
        unknown.remove(captions[0])
        left = f"; left out: {', '.join(name[:40] for name in unknown[:12])}" if unknown else ""
        near = [name for name in unknown if difflib.get_close_matches(folded[name], COLUMNS, n=1, cutoff=0.8)]
        file = row.where.rsplit(", ", 1)[0]
        notes.lose("captions", f"{file} has no column 'prompt': {captions[0]!r} holds the prompts{left}")
        unknown = near
    for name in unknown:
        near = difflib.get_close_matches(folded[name], [*COLUMNS, *_OTHER_NAMES], n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"{row.where}: unknown column {name[:80]!r}: {hint}Known are {', '.join(COLUMNS)}; drop or rename it.")
    return named


def _check_index(row: Row, names: Sequence[str]) -> None:
    for name in names:
        if _INDEX.fullmatch(name) and not _is_number(row.cells):
            _refuse(row, name)


def _is_number(cells: Mapping[str, Any]) -> bool:
    return all(not (said := plain_text(cells[name])) or re.fullmatch(r"\d+", said.strip()) for name in cells if _INDEX.fullmatch(name))


def _refuse(row: Row, name: str) -> None:
    raise UserError(
        f"{row.where}: the column {name!r} holds {str(row.cells[name])[:40]!r}, which is no row number. "
        f"Known are {', '.join(COLUMNS)}; drop or rename it."
    )
