"""Reads a cell as the items it lists: real lists, and the texts that Python, numpy, JSON and databases write for lists.

    ['a', 'b']   ["a", "b"]   ['a' 'b']   ('a', 'b')   {'a', 'b'}   array(['a'], dtype=object)   [a, b]    items a and b
    {'rock': 0.9, 'pop': 0}      the keys whose number is above 0
    {'genre': 'rock'}            the values
    [{"id": 4, "name": "rock"}]  the names
    ['a' 'b' ... 'z']            refused: numpy left out what stands between

Nothing is evaluated, and two texts that stand side by side stay two.
"""

import ast
import json
import math
import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any

MAX_LIST_CHARACTERS = 20_000
MISSING = frozenset(
    {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN"}
    | {"None", "n/a", "nan", "null", "NaT"}
)
"""What pandas writes and reads for a value that is not there, letter by letter: the artist "Null" stays, "NULL" is none."""

_NAMES = ("name", "title", "label", "tag", "text", "value", "caption", "description", "path")
_LITERAL = r"""(?:'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")"""
_TOKEN = re.compile(rf"\s*(?:(?P<text>{_LITERAL})|(?P<cut>\.\.\.)|(?P<comma>,)|(?P<bare>[^\s,'\"\[\]{{}}()]+))", re.DOTALL)
_QUOTED = re.compile(_LITERAL, re.DOTALL)
_AFTER = re.compile(r"\s*(.?)", re.DOTALL)
_QUOTE = re.compile("['\"]")
_ARRAY = re.compile(r"(?:array|Index|Series)\((\[.*\])(?:\s*,\s*(?:dtype|name)=[^\[\]]*)?\)", re.DOTALL)
_BRACKETS = {"[": "]", "(": ")", "{": "}"}
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_CODE = re.compile(r"[\[\]{}]|\w\(")


class UnreadableCellError(Exception):
    """A cell that looks like a list but cannot be read. reason: "bad_list", or "cut_list" where items were left out of it."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


def looks_listed(text: str) -> bool:
    """Whether a text is a list or half of one: it begins or ends like a list of texts."""
    text = text.strip()
    if not text:
        return False
    if text[0] in "[{" or text.startswith(("('", '("', "array([", "Index([", "Series([")):
        return True
    return text[0] in "'\"" and text.endswith(("']", '"]', "'}", '"}', "')", '")'))


def is_list_text(text: str) -> bool:
    """Whether a text is a list, or half of one, and no sentence: "['calm', 'slow'" is, "[Intro] calm" is not."""
    text = text.strip()
    if not looks_listed(text):
        return False
    if text[0] in _BRACKETS:
        whole = _BRACKETS[text[0]] == text[-1] and not any(mark in text[1:-1] for mark in "[]{}")
        return whole or text.startswith(("['", '["', "[[", "[{", "{'", '{"', "('", '("'))
    return text[0] in "'\"" or text.startswith(("array([", "Index([", "Series(["))


def list_items(value: Any) -> list[Any]:
    """The items of a cell as they are, texts, numbers or None; a cell that is no list is the one item. Raises UnreadableCellError."""
    if isinstance(value, str):
        return _read(value.strip()) if looks_listed(value) else [value]
    if isinstance(value, Mapping):
        return _mapped(value)
    if isinstance(value, list | tuple | set | frozenset):
        if value and all(isinstance(item, tuple) and len(item) == 2 and isinstance(item[0], str) for item in value):
            return _pairs(list(value))
        return [_named(item) for item in value]
    return [value]


def cell_items(value: Any) -> tuple[str, ...]:
    """The texts that a cell lists. What is missing, a number or a truth value is no text. Raises UnreadableCellError."""
    return tuple(item for item in list_items(value) if isinstance(item, str) and item.strip() not in MISSING)


def split_plain(text: str) -> list[str]:
    """A list without quotes, "a, b", "a; b" or "a|b", as its items. Raises UnreadableCellError for what is rather code or half a list."""
    if _CODE.search(text):
        raise UnreadableCellError("bad_list", f"{shortened(text)} is no list that can be read")
    return re.split(r"[,;|]", text)


def plain_text(value: Any) -> str | None:
    """A value that is no list as text: 1979.0 is "1979", a day its ISO form. None where it is missing, a truth value or a structure."""
    if isinstance(value, str):
        text = value.encode("utf-8", "replace").decode()
        return None if text.strip() in MISSING else text
    if value is None or isinstance(value, bool | list | tuple | set | Mapping):
        return None
    if isinstance(value, bytes):
        try:
            return plain_text(value.decode())
        except UnicodeDecodeError:
            return None
    if isinstance(value, float | Decimal):
        if math.isnan(value):
            return None
        if math.isfinite(value) and value == int(value) and abs(float(value)) < 1e15:
            return str(int(value))
    return value.isoformat() if isinstance(value, date | datetime | time) else str(value)


def name_of(value: Mapping[Any, Any]) -> str | None:
    """An object's name: its name, title, label or the like, or its only text that is no id and no address."""
    texts = {str(key): text for key, text in value.items() if isinstance(text, str) and text.strip() not in MISSING}
    for name in _NAMES:
        for key in texts:
            if key.lower() == name or key.lower().endswith(f"_{name}"):
                return texts[key]
    rest = [text for key, text in texts.items() if not re.search(r"(?:^|_)(?:id|ids|url|uri|href|handle|key|code)$", key.lower())]
    return rest[0] if len(rest) == 1 else None


def shortened(text: str) -> str:
    """The text for a message: one line, at most 60 characters, in quotes."""
    return repr(text if len(text) <= 60 else text[:59] + "…")


def _read(text: str) -> list[Any]:
    """The items of a text that looks like a list."""
    if len(text) > MAX_LIST_CHARACTERS:
        raise UnreadableCellError("bad_list", f"a list of {len(text):,} characters; at most {MAX_LIST_CHARACTERS:,} are read")
    array = _ARRAY.fullmatch(text)
    text = array[1] if array else text
    if _BRACKETS.get(text[0]) != text[-1]:
        raise UnreadableCellError("bad_list", f"{shortened(text)} begins or ends as a list does, and is no whole one")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if isinstance(content, list | dict):
        return list_items(content)
    inner = text[1:-1]
    if re.match(r"\s*[\[({]", inner) or (text[0] == "{" and ":" in _after_literals(text)):
        return _literal(text)
    return _flat(text, inner)


def _after_literals(text: str) -> list[str]:
    """The first character that is no space after each quoted text. Raises UnreadableCellError where a quote is not closed."""
    marks = []
    quote = _QUOTE.search(text)
    while quote:
        literal = _QUOTED.match(text, quote.start())
        if literal is None:
            raise UnreadableCellError("bad_list", f"{shortened(text)} has a quote that is not closed")
        marks.append(_AFTER.match(text, literal.end())[1])  # type: ignore[index]
        quote = _QUOTE.search(text, literal.end())
    return marks


def _flat(text: str, inner: str) -> list[Any]:
    """Quoted texts, numbers and None, with commas or spaces between them; or words without quotes, with commas between them."""
    items: list[Any] = []
    position, quoted, commas, expecting = 0, False, 0, True
    while inner[position:].strip():
        token = _TOKEN.match(inner, position)
        if token is None:
            raise UnreadableCellError("bad_list", f"{shortened(text)} is no list that can be read")
        position = token.end()
        if token["cut"]:
            raise UnreadableCellError("cut_list", f"{shortened(text)}: numpy left items out where the dots are")
        if token["comma"]:
            if expecting:
                raise UnreadableCellError("bad_list", f"{shortened(text)} has nothing between two commas")
            commas, expecting = commas + 1, True
            continue
        expecting = False
        quoted = quoted or token["text"] is not None
        items.append(_unquoted(token["text"]) if token["text"] is not None else _bare(token["bare"]))
    if any(isinstance(item, _Word) for item in items):
        if quoted or (not commas and len(items) > 1):
            raise UnreadableCellError("bad_list", f"{shortened(text)} is no list that can be read: some of its texts have no quotes")
        return [item.strip() for item in inner.split(",") if item.strip()]
    return items


class _Word(str):
    """A text without quotes."""


def _bare(token: str) -> Any:
    if token in ("None", "null", "nan", "NaN", "NA"):
        return None
    if token in ("True", "False", "true", "false"):
        return token in ("True", "true")
    return float(token) if _NUMBER.fullmatch(token) else _Word(token)


def _unquoted(literal: str) -> str:
    try:
        return str(ast.literal_eval(literal.replace("\r", " ").replace("\n", " ")))
    except (ValueError, SyntaxError, MemoryError):
        return literal[1:-1]


def _literal(text: str) -> list[Any]:
    """Python's objects and nested lists. It would join two texts side by side, so those are refused."""
    if any(after in ("'", '"') for after in _after_literals(text)):
        raise UnreadableCellError("bad_list", f"{shortened(text)} has two texts without a comma between them")
    try:
        return list_items(ast.literal_eval(text))
    except (ValueError, SyntaxError, RecursionError, MemoryError, TypeError) as error:
        raise UnreadableCellError("bad_list", f"{shortened(text)} is no list that can be read") from error


def _named(item: Any) -> Any:
    """An item of a list: itself, or the name of an object."""
    if isinstance(item, Mapping):
        name = name_of(item)
        if name is None:
            raise UnreadableCellError("bad_list", f"objects without a name: {shortened(str(dict(item)))}")
        return name
    if isinstance(item, list | tuple | set):
        raise UnreadableCellError("bad_list", f"a list inside a list: {shortened(str(item))}")
    if isinstance(item, bytes):
        return plain_text(item)
    return item


def _mapped(value: Mapping[Any, Any]) -> list[Any]:
    return _pairs(list(value.items()))


def _pairs(pairs: Iterable[tuple[Any, Any]]) -> list[Any]:
    """Names with numbers: those above 0. Names with texts: the texts, or the one that is a name. Names with lists: what these hold."""
    pairs = list(pairs)
    values = [value for _, value in pairs]
    if not values:
        return []
    if all(value is None or isinstance(value, int | float | Decimal) for value in values):
        return [key for key, value in pairs if value is not None and float(value) > 0]
    if all(isinstance(value, list | tuple) for value in values):
        return [item for value in values for item in list_items(value)]
    keys = [str(key).lower() for key, _ in pairs]
    if len(set(keys)) == len(keys) and any(re.search(r"(?:^|_)(?:id|name|title|path|url|bytes)$", key) for key in keys):
        name = name_of(dict(pairs))
        if name is not None:
            return [name]
    if all(value is None or isinstance(value, str) for value in values):
        return [value for value in values if value is not None]
    raise UnreadableCellError("bad_list", f"an object with values of several kinds: {shortened(str(dict(pairs)))}")
