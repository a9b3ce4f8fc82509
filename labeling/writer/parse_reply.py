"""Reads a reply: the text of a completion, or the sentences of a chat's JSON. Repairs what it can, and notes the repair."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from json_repair import repair_json

from noise2music.core.errors import RowError
from noise2music.labeling.captions.text import split_sentences
from noise2music.labeling.writer.base import Reply
from noise2music.labeling.writer.prompt import Prompt

MAX_CHARACTERS = 100_000
EXCERPT_CHARACTERS = 1500
MENDED_CHARACTERS = 8000
"""How much of a reply json_repair gets: hostile text costs it the square of its length. Six sentences need a fifth of this."""

_FILTERED = frozenset({"content_filter", "safety", "SAFETY"})
_CUT = frozenset({"length", "max_tokens"}) | _FILTERED
_THOUGHTS = re.compile(r"\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)", re.DOTALL)
_KEYS = ("sentences", "sentence", "descriptions", "description", "captions", "caption", "text")
_OBJECT = re.compile(rf"\{{\s*[\"'“”]?(?:{'|'.join(_KEYS)})[\"'“”]?\s*:", re.IGNORECASE)
_LIST = re.compile(r"(?:```\w*)?\s*(?=\[\s*[\"'“{\]])")
_HALF_ESCAPE = re.compile(r"\\(?:u[0-9a-fA-F]{0,3})?\Z")
_MAX_OBJECTS = 5
_TAIL = "⁂⁂"
"""Appended to a reply before the repair. A string that then contains it had no end. Outside a string json_repair drops it, as it is no
word.
"""


@dataclass(frozen=True)
class ReadText:
    """text: of a completion, or one sentence a line. repaired: "cut" (an unfinished rest was dropped), "json", or None."""

    text: str
    repaired: str | None


def read_answer(reply: Reply, prompt: Prompt) -> ReadText:
    """The text of a reply to `prompt`.

    Raises RowError with the reply's first EXCERPT_CHARACTERS: "too_long", "empty", "cut" (no whole sentence before the cut), "filtered"
    (removed by the server's filter), "not_json".
    """
    if len(reply.text) > MAX_CHARACTERS:
        raise _unusable("too_long", f"the reply has {len(reply.text)} characters, at most {MAX_CHARACTERS} are read", reply)
    text = _THOUGHTS.sub("", reply.text, count=1) if prompt.form == "chat" and _THOUGHTS.match(reply.text) else reply.text
    if not any(mark.isalnum() for mark in text):
        raise _says_nothing(reply)
    if prompt.schema is not None:
        return _read_json(text.strip(), reply)
    if reply.finish not in _CUT:
        return ReadText(text.strip(), None)
    whole = _whole_sentences(text.rstrip())
    if not whole:
        raise _unusable("cut", "the reply was cut before its first sentence ended", reply)
    return ReadText("\n".join(whole), "cut")


def _says_nothing(reply: Reply) -> RowError:
    if reply.finish in _FILTERED:
        return _unusable("filtered", "the server's filter took the reply", reply)
    if reply.finish in _CUT:
        return _unusable("cut", "the reply was cut before it said anything", reply)
    return _unusable("empty", "the reply says nothing", reply)


def _whole_sentences(text: str) -> list[str]:
    """The sentences that end before the cut. "feat." and "4." end no sentence, since it may go on."""
    goes_on = "0 The" if re.search(r"\d\.$", text) else " The"
    return split_sentences(text + goes_on)[:-1]


def _read_json(wrapped: str, reply: Reply) -> ReadText:
    text = _unescaped(wrapped)
    try:
        sentences = _sentences(json.loads(text), strict=True)
        repaired = None if text == wrapped else "json"
    except (ValueError, RecursionError):
        sentences, repaired = None, "json"
    if sentences is None:
        sentences, is_cut = _mend(text, reply.finish in _CUT)
        repaired = "cut" if is_cut else "json"
    if sentences:
        return ReadText("\n".join(sentences), repaired)
    if sentences is not None and repaired != "cut":
        raise _unusable("empty", "the JSON holds no sentence", reply)
    if reply.finish in _CUT:
        raise _unusable("cut", "the reply was cut before its first sentence ended", reply)
    raise _unusable("not_json", "the reply is not the JSON that was asked for", reply)


def _mend(text: str, was_cut: bool) -> tuple[list[str] | None, bool]:
    """The first sentences that `text` holds as JSON or nearly so, None without any; and whether an unfinished one was dropped."""
    mended: list[str] | None = None
    for candidate in _candidates(text):
        try:
            sentences, is_cut = _sentences(json.JSONDecoder().raw_decode(candidate)[0]), False
        except (ValueError, RecursionError):
            sentences, is_cut = _repair(candidate)
        if sentences:
            return sentences, is_cut
        if sentences is not None and not is_cut:
            mended = sentences
    return mended, was_cut


def _candidates(text: str) -> Iterator[str]:
    """The text from each place where the JSON may begin: a list at the start, or an object with a known key. Plain text has neither."""
    if opening := _LIST.match(text):
        yield text[opening.end() :]
    for number, opening in enumerate(_OBJECT.finditer(text)):
        if number == _MAX_OBJECTS:
            return
        yield text[opening.start() :]


def _repair(candidate: str) -> tuple[list[str] | None, bool]:
    marked = _HALF_ESCAPE.sub("", candidate[:MENDED_CHARACTERS]) + _TAIL
    try:
        sentences = _sentences(repair_json(marked, return_objects=True, skip_json_loads=True))
    except (ValueError, RecursionError):
        return None, False
    if sentences is None:
        return None, False
    whole = [sentence for sentence in sentences if _TAIL not in sentence]
    return whole, len(whole) < len(sentences)


def _sentences(value: Any, strict: bool = False) -> list[str] | None:
    """The sentences of a JSON value, None when they are ambiguous. strict: only the requested form."""
    if isinstance(value, dict):
        lowered = {str(key).strip().lower(): inner for key, inner in value.items()}
        chosen_key = "sentences" if "sentences" in lowered else next((key for key in _KEYS if len(lowered) == 1 and key in lowered), None)
        if chosen_key is None or (strict and ("sentences" not in value or not isinstance(value["sentences"], list))):
            return None
        value = lowered[chosen_key]
    elif strict:
        return None
    if isinstance(value, dict) and value and all(str(key).strip().isdigit() for key in value):
        value = list(value.values())
    pieces = [value] if isinstance(value, str) else value
    if not isinstance(pieces, list):
        return None
    sentences: list[str] = []
    for piece in pieces:
        inner = _sentences(piece) if isinstance(piece, dict) else [piece]
        sentences += [" ".join(text.split()) for text in inner or [] if isinstance(text, str)]
    return [sentence for sentence in sentences if any(mark.isalnum() for mark in sentence)]


def _unescaped(text: str) -> str:
    """Unwrap JSON that a server has put into a JSON string."""
    if not text.startswith('"'):
        return text
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value.strip() if isinstance(value, str) and value.lstrip()[:1] in ("{", "[") else text


def _unusable(reason: str, message: str, reply: Reply) -> RowError:
    note = f"; {reply.note}" if reply.note else ""
    text = f": {reply.text[:EXCERPT_CHARACTERS]}" if reply.text else ""
    return RowError(reason, f"{message} (finish: {reply.finish}{note}){text}")
