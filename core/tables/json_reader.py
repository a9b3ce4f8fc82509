"""Reads rows of JSON: an object a line, objects over several lines, an array of objects, or columns as pandas writes them."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from noise2music.core.tables.encodings import Decoded, is_broken
from noise2music.core.tables.row import Bad, Row, require_columns, short
from noise2music.core.tally import Tally

_LINE = re.compile(r"[^\r\n]+")
_BETWEEN = re.compile(r"[\s,]*")
_LINE_END = re.compile(r"\r\n|\n|\r")
_MAX_NAMES = 10_000


def json_rows(uri: str, decoded: Decoded, columns: Sequence[str] | None, text_column: str | None, notes: Tally) -> Iterator[Row | Bad]:
    """The rows in order, with `columns` (None: all). A bare text is a row with `text_column`, where that is given.

    Raises UserError after the last row when no row has one of `columns`.
    """
    names: dict[str, None] = {}
    for where, content in _contents(uri, decoded, columns, text_column, notes):
        if isinstance(content, Bad):
            yield content
        elif isinstance(content, str) and text_column is not None:
            names[text_column] = None
            yield Row(where, {text_column: content}, notes)
        elif not isinstance(content, dict):
            yield Bad(where, "bad_row", f"{where}: a {type(content).__name__} where a JSON object is expected")
        else:
            if len(names) < _MAX_NAMES:
                names.update(dict.fromkeys(content))
            yield Row(where, content if columns is None else {name: content.get(name) for name in columns}, notes)
    if names or columns is None:
        require_columns(uri, list(names), columns)


def _contents(
    uri: str, decoded: Decoded, columns: Sequence[str] | None, text_column: str | None, notes: Tally
) -> Iterator[tuple[str, Any]]:
    """(where, value) of each row; a Bad row as the value where one cannot be read."""
    text = decoded.text
    start = _BETWEEN.match(text).end()  # type: ignore[union-attr]
    whole = _parsed(text) if text[start : start + 1] in ("[", "{") else None
    if isinstance(whole, list) and (
        not whole or any(isinstance(item, dict) or (text_column is not None and isinstance(item, str)) for item in whole)
    ):
        yield from ((where, _whole(where, item, decoded)) for number, item in enumerate(whole, 1) if (where := f"{uri}, item {number}"))
        return
    if isinstance(whole, dict) and (rows := _columns(uri, whole, set(columns or ([text_column] if text_column else [])), notes)):
        yield from ((where, _whole(where, row, decoded)) for number, row in enumerate(rows, 1) if (where := f"{uri}, row {number}"))
        return
    first = _LINE.search(text, start)
    if first and text[start] in "{[" and isinstance(_load(uri, 1, first[0].rstrip().rstrip(",")), Bad):
        spread = _spread(uri, text, start)
        if spread is not None:
            yield from spread
            return
    yield from _lines(uri, decoded, notes)


def _lines(uri: str, decoded: Decoded, notes: Tally) -> Iterator[tuple[str, Any]]:
    offset, number, commas = 0, 0, 0
    while offset < len(decoded.text):
        end = _LINE_END.search(decoded.text, offset)
        line = decoded.text[offset : end.start() if end else len(decoded.text)].strip()
        offset, number = end.end() if end else len(decoded.text), number + 1
        if not line:
            continue
        where = f"{uri}, line {number}"
        if "\0" in line:
            yield (
                where,
                Bad(where, "bad_row", f"{where}: a NUL byte, so this is no text, or a damaged one. Export the table again as UTF-8."),
            )
        elif decoded.doubt and is_broken(line):
            yield where, Bad(where, "not_utf8", f"{where}: {decoded.doubt}. Save the table as UTF-8.")
        else:
            content = _load(uri, number, line)
            if isinstance(content, Bad) and line.endswith(","):
                mended = _load(uri, number, line[:-1])
                commas += not isinstance(mended, Bad)
                content = content if isinstance(mended, Bad) else mended
            yield where, content
    if commas:
        notes.lose("comma_after_row", f"{uri}: {commas:,} lines end with a comma after their object; it is left out", commas)


def _spread(uri: str, text: str, offset: int) -> list[tuple[str, Any]] | None:
    """Objects that go over several lines, one after the other; None when there is anything else."""
    decoder = json.JSONDecoder(object_pairs_hook=_object)
    objects = []
    while offset < len(text):
        try:
            content, end = decoder.raw_decode(text, offset)
        except (ValueError, RecursionError, _TwiceError):
            return None
        if not isinstance(content, dict):
            return None
        objects.append((offset, content))
        offset = _BETWEEN.match(text, end).end()  # type: ignore[union-attr]
    numbered, line, before = [], 1, 0
    for offset, content in objects:
        line += len(_LINE_END.findall(text, before, offset))
        before = offset
        numbered.append((f"{uri}, line {line}", content))
    return numbered


def _columns(uri: str, whole: dict[str, Any], columns: set[Any], notes: Tally) -> list[Any]:
    """The rows of an object that is a table; [] when it is none.

    {"column": {"0": value, ...}}, {"column": [value, ...]}, {"0": {"column": value, ...}}, or one list of objects among other things.
    """
    values = list(whole.values())
    if values and all(isinstance(value, dict) for value in values):
        if columns and all(columns <= value.keys() for value in values):
            return values
        if len({tuple(value) for value in values}) == 1:
            values = [list(value.values()) for value in values]
    if len(values) > 1 and all(isinstance(value, list) for value in values) and len({len(value) for value in values}) == 1:
        return [dict(zip(whole, cells, strict=True)) for cells in zip(*values, strict=True)]
    inside = [
        name
        for name, value in whole.items()
        if isinstance(value, list) and value and isinstance(value[0], dict) and columns <= value[0].keys()
    ]
    if columns and not columns & whole.keys() and len(inside) == 1:
        notes.lose("wrapped", f"{uri} is one object; its rows are read from {short(inside[0])!r}")
        return list(whole[inside[0]])
    return []


def _whole(where: str, content: Any, decoded: Decoded) -> Any:
    """A row of a file that was read at once, Bad where its text is broken."""
    if decoded.doubt and is_broken(json.dumps(content, ensure_ascii=False)):
        return Bad(where, "not_utf8", f"{where}: {decoded.doubt}. Save the table as UTF-8.")
    return content


def _parsed(text: str) -> Any:
    """The text as JSON; None when it is none."""
    try:
        return json.loads(text, object_pairs_hook=_object)
    except (ValueError, RecursionError, _TwiceError):
        return None


def _load(uri: str, number: int, line: str) -> Any:
    where = f"{uri}, line {number}"
    try:
        return json.loads(line, object_pairs_hook=_object)
    except _TwiceError as error:
        return Bad(where, "bad_row", f"{where}: {short(str(error))!r} is given twice; keep one.")
    except (ValueError, RecursionError) as error:
        detail = f"{error.msg} at character {error.colno}" if isinstance(error, json.JSONDecodeError) else str(error)
        return Bad(where, "bad_row", f"{where}: not JSON ({detail}). Each line must be one JSON object.")


class _TwiceError(Exception):
    """A name that an object has twice."""


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        raise _TwiceError(next(name for position, (name, _) in enumerate(pairs) if name in dict(pairs[:position])))
    return content
