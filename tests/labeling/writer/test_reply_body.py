"""Bodies of successful responses as servers send them: where the text is, and what is said when there is none."""

import json
from typing import Any

import pytest

from noise2music.core.errors import RowError
from noise2music.labeling.writer.base import Reply
from noise2music.labeling.writer.http import BadReply
from noise2music.labeling.writer.parse_reply import read_answer
from noise2music.labeling.writer.prompt import load_prompt
from noise2music.labeling.writer.reply_body import read_body

CHAT = load_prompt("songs-chat")
SENTENCES = ["A slow piano ballad.", "Soft strings swell behind it."]
GOOD = json.dumps({"sentences": SENTENCES})


def body(content: Any, finish: Any = "stop", usage: Any = None, **message: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **message}, "finish_reason": finish}
    return json.dumps({"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}).encode()


READ: dict[str, bytes] = {
    "text": body(GOOD),
    "parts": body([{"type": "text", "text": GOOD}]),
    "two parts": body([{"type": "text", "text": GOOD[:20]}, {"type": "output_text", "text": GOOD[20:]}]),
    "thoughts before the part": body([{"type": "thinking", "thinking": [{"type": "text", "text": "hm"}]}, {"type": "text", "text": GOOD}]),
    "parts that are texts": body([GOOD[:30], GOOD[30:]]),
    "one part": body({"type": "text", "text": GOOD}),
    "the assistants' form": body([{"type": "text", "text": {"value": GOOD, "annotations": []}}]),
    "finish null": body(GOOD, None),
    "thoughts beside the text": body(GOOD, reasoning_content="The song may be slow."),
    "JSON in a string": body(json.dumps(GOOD)),
    "numbered object": body(json.dumps({"sentences": dict(zip("12", SENTENCES, strict=True))})),
    "objects": body(json.dumps({"sentences": [{"sentence": sentence} for sentence in SENTENCES]})),
    "harmony": body(f"<|channel|>analysis<|message|>think<|end|><|start|>assistant<|channel|>final<|message|>{GOOD}"),
    "byte order mark": b"\xef\xbb\xbf" + body(GOOD),
}


@pytest.mark.parametrize("what", READ)
def test_what_is_read(what: str) -> None:
    assert read_answer(read_body(READ[what]), CHAT).text == "\n".join(SENTENCES)


DEAD: dict[str, tuple[bytes, str, str]] = {
    "reasoning parser": (body(None, reasoning_content=GOOD), "empty", "put its reply into reasoning_content (a reasoning parser)"),
    "cut while thinking": (body(None, "length", reasoning="I think"), "cut", "It holds I think"),
    "empty after thinking": (body("", reasoning="I think"), "empty", "a reasoning parser"),
    "tool call": (body(None, "tool_calls", tool_calls=[{"function": {"name": "reply"}}]), "empty", "put its reply into tool_calls"),
    "refusal": (body(None, refusal="I can't help with that."), "empty", "the model refuses: I can't help with that."),
    "filter": (body("", "content_filter"), "filtered", "filter took the reply"),
    "white space": (body(" \n\t" * 100, "length"), "cut", "300 characters of white space"),
    "null": (body(None), "empty", "the text is null"),
    "a number": (body(7), "empty", "the text is 7"),
    "only a picture": (body([{"type": "image_url", "image_url": {"url": "x"}}]), "empty", "image_url"),
    "no message": (b'{"choices": [{"index": 0, "delta": {"content": "x"}}]}', "empty", "there is no text, but index, delta"),
    "control characters": (body(None, refusal="\x1b[31mno\nway"), "empty", "the model refuses: ?[31mno way"),
}


@pytest.mark.parametrize("what", DEAD)
def test_what_is_dead_and_why(what: str) -> None:
    sent, reason, words = DEAD[what]
    with pytest.raises(RowError) as found:
        read_answer(read_body(sent), CHAT)
    assert (found.value.reason, words in found.value.message) == (reason, True)
    assert "\n" not in found.value.message.strip()


@pytest.mark.parametrize(
    ("usage", "tokens"),
    [
        (None, (0, 0)),
        ({"prompt_tokens": 3, "completion_tokens": 4}, (3, 4)),
        ({"prompt_tokens": None, "completion_tokens": "4"}, (0, 0)),
        ({"prompt_tokens": -3, "completion_tokens": 10**400}, (0, 0)),
        ({"prompt_tokens": float("nan"), "completion_tokens": 4.0}, (0, 4)),
        ([1], (0, 0)),
    ],
)
def test_tokens_that_cannot_be_are_none(usage: Any, tokens: tuple[int, int]) -> None:
    reply = read_body(body(GOOD, usage=usage))
    assert (reply.prompt_tokens, reply.completion_tokens) == tokens


@pytest.mark.parametrize(
    ("sent", "words"),
    [
        (b"", "an empty body"),
        (b"<html>nginx</html>", "not JSON: <html>nginx"),
        (b'data: {"choices": []}\n\ndata: [DONE]', "a stream of events"),
        (b"null", "no choice in null"),
        (b'{"choices": []}', "no choice"),
        (b'{"choices": ["x"]}', "no choice"),
        (b'{"error": {"message": "overloaded"}}', "overloaded"),
        (b"[" * 100_000, "not JSON"),
        (b"\xff\xfe\x00", "not JSON"),
    ],
)
def test_what_is_no_reply(sent: bytes, words: str) -> None:
    with pytest.raises(BadReply, match=words.replace("[", r"\[")):
        read_body(sent)


def test_a_completion_has_its_text_in_the_choice() -> None:
    sent = b'{"choices": [{"text": " A calm song.", "finish_reason": "length"}], "usage": {"prompt_tokens": 5, "completion_tokens": 2}}'
    assert read_body(sent) == Reply(" A calm song.", "length", 5, 2)
