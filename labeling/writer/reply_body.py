"""Reads the body of a successful response. Servers vary: every field may be absent, null or of another type."""

import json
from typing import Any

from noise2music.labeling.datasets.dead_limit import one_line
from noise2music.labeling.writer.base import Reply
from noise2music.labeling.writer.http import BadReply

_EXCERPT = 200
_MOST_TOKENS = 10**9
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")
_FINISH_CHARACTERS = 40


def read_body(body: bytes) -> Reply:
    """The first choice of a completion or chat. Its text is "" where there is none, and `note` then says what the server sent instead.

    Raises BadReply for any other body: text, HTML, a stream of events, an error with a status of success, no choice.
    """
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadReply(_not_json(body)) from error
    choices = value.get("choices") if isinstance(value, dict) else None
    if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
        raise BadReply(f"no choice in {one_line(body[: 8 * _EXCERPT].decode('utf-8', 'replace'), _EXCERPT)}")
    choice = choices[0]
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    text = _text(message.get("content") if message else choice.get("text"))
    finish = choice.get("finish_reason")
    usage = value.get("usage")
    usage = usage if isinstance(usage, dict) else {}
    return Reply(
        text,
        one_line(finish, _FINISH_CHARACTERS) if isinstance(finish, str) and finish.strip() else "stop",
        _tokens(usage.get("prompt_tokens")),
        _tokens(usage.get("completion_tokens")),
        note=None if text.strip() else _note(choice, message),
    )


def _text(content: Any) -> str:
    """A text, or the texts of a list of parts without thoughts and pictures."""
    if isinstance(content, str):
        return content
    if isinstance(content, dict):
        inner = content.get("text")
        is_text = content.get("type", "text") in ("text", "output_text")
        if isinstance(inner, dict):
            inner = inner.get("value")
        return inner if is_text and isinstance(inner, str) else ""
    return "".join(_text(part) for part in content if not isinstance(part, list)) if isinstance(content, list) else ""


def _note(choice: dict[str, Any], message: dict[str, Any]) -> str:
    """What a server sent in place of a text."""
    for name in _THOUGHTS:
        if thoughts := _excerpt(message.get(name)):
            where = f"the server put its reply into {name} (a reasoning parser): turn the parser or the thinking off, or raise max_tokens"
            return f"{where}. It holds {thoughts}"
    if refusal := _excerpt(message.get("refusal")):
        return f"the model refuses: {refusal}"
    for name in ("tool_calls", "function_call"):
        if called := _excerpt(message.get(name)):
            return f"the server put its reply into {name}: turn the tool parser off. It holds {called}"
    content = message.get("content", choice.get("text"))
    if content is None and not {"content", "text"} & {*message, *choice}:
        return f"there is no text, but {_excerpt(', '.join([*choice][:8]))}"
    if content is None:
        return "the text is null"
    if isinstance(content, str):
        return f"{len(content)} characters of white space" if content else "the text is empty"
    return f"the text is {_excerpt(content)}"


def _excerpt(value: Any) -> str:
    """Any value of JSON in a few words; "" for none."""
    if not value:
        return "" if value in (None, "", [], {}) else str(value)
    return one_line(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)[: 8 * _EXCERPT], _EXCERPT)


def _tokens(value: Any) -> int:
    """A count of tokens, 0 for an impossible value."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value <= _MOST_TOKENS else 0


def _not_json(body: bytes) -> str:
    excerpt = one_line(body[: 8 * _EXCERPT].decode("utf-8", "replace"), _EXCERPT)
    if not excerpt:
        return "an empty body"
    return (
        f"a stream of events, which was not asked for: {excerpt}"
        if excerpt.startswith(("data:", "event:", ":"))
        else f"not JSON: {excerpt}"
    )
