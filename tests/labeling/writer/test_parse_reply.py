"""Replies: what is read, what is mended, and what becomes a dead letter with the reply in it."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.errors import RowError
from noise2music.labeling.writer.base import Reply
from noise2music.labeling.writer.parse_reply import EXCERPT_CHARACTERS, MAX_CHARACTERS, MENDED_CHARACTERS, ReadText, read_answer
from noise2music.labeling.writer.prompt import load_prompt

COMPLETION, CHAT = load_prompt("songs-completion"), load_prompt("songs-chat")
FIRST, SECOND = "A slow piano ballad.", "Soft strings swell behind it."
GOOD = json.dumps({"sentences": [FIRST, SECOND]})
BOTH = f"{FIRST}\n{SECOND}"


def reply(text: str, finish: str = "stop") -> Reply:
    return Reply(text, finish, 10, 20)


def outcome(text: str, finish: str = "stop", chat: bool = True) -> ReadText | RowError:
    """What is read, or the dead letter. Any other error is a failure."""
    try:
        return read_answer(reply(text, finish), CHAT if chat else COMPLETION)
    except RowError as error:
        return error


def refused(text: str, finish: str = "stop", chat: bool = True) -> RowError:
    with pytest.raises(RowError) as found:
        read_answer(reply(text, finish), CHAT if chat else COMPLETION)
    return found.value


@pytest.mark.parametrize("finish", ["stop", "length"])
def test_good_json_is_one_sentence_a_line(finish: str) -> None:
    assert read_answer(reply(GOOD, finish), CHAT) == ReadText(BOTH, None)
    assert read_answer(reply(f"\n {json.dumps(json.loads(GOOD), indent=4)}\n", finish), CHAT) == ReadText(BOTH, None)


def test_lines_in_a_sentence_become_spaces() -> None:
    assert read_answer(reply(json.dumps({"sentences": ["A slow\npiano\u2028 ballad.", " ", "…"]})), CHAT) == ReadText(FIRST, None)


MENDED = {
    "code fence": f"```json\n{GOOD}\n```",
    "talk around it": f"Sure! Here it is:\n{GOOD}\nHope this helps.",
    "trailing comma": GOOD.replace("]}", ",],}"),
    "no comma": GOOD.replace('", "', '" "'),
    "single quotes": f"{{'sentences': ['{FIRST}', '{SECOND}']}}",
    "curly quotes": f"{{“sentences”: [“{FIRST}”, “{SECOND}”]}}",
    "bare key": f'{{sentences: ["{FIRST}", "{SECOND}"]}}',
    "bare list": json.dumps([FIRST, SECOND]),
    "another key": json.dumps({"captions": [FIRST, SECOND]}),
    "capital key": json.dumps({"Sentences": [FIRST, SECOND]}),
    "open list": GOOD[:-2],
    "open object": GOOD[:-1],
    "list never closed": GOOD.replace("]", ""),
    "comma and the end": GOOD[:-2] + ", ",
    "a string just opened": GOOD[:-2] + ', "',
    "raw line break": GOOD.replace(" piano", "\npiano"),
    "twice": GOOD + GOOD,
}


@pytest.mark.parametrize("finish", ["stop", "length"])
@pytest.mark.parametrize("text", MENDED.values(), ids=MENDED.keys())
def test_nearly_json_is_mended_and_counted(text: str, finish: str) -> None:
    assert read_answer(reply(text, finish), CHAT) == ReadText(BOTH, "json")


@pytest.mark.parametrize("end", range(GOOD.index(SECOND) + 1, GOOD.index(SECOND) + len(SECOND) + 1))
@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_reply_cut_in_a_string_loses_the_unfinished_sentence(end: int, quote: str) -> None:
    cut = GOOD[:end].replace('"', quote)
    for finish in ("stop", "length"):
        assert read_answer(reply(cut, finish), CHAT) == ReadText(FIRST, "cut")


@pytest.mark.parametrize("rest", ["\\", "\\u", "\\u00", "\\u00e", 'say \\"go', "{", "[", ","])
def test_a_cut_in_an_escape_or_before_a_mark(rest: str) -> None:
    assert read_answer(reply(GOOD[: GOOD.index(SECOND)] + "Bells " + rest, "length"), CHAT) == ReadText(FIRST, "cut")


@pytest.mark.parametrize("end", range(len(GOOD) + 1))
def test_wherever_json_is_cut_only_whole_sentences_are_read(end: int) -> None:
    for finish in ("stop", "length"):
        read = outcome(GOOD[:end], finish)
        if isinstance(read, RowError):
            assert FIRST + '"' not in GOOD[:end]
            assert read.reason in ("empty", "not_json", "cut")
        else:
            assert read.text == (BOTH if SECOND + '"' in GOOD[:end] else FIRST)
            assert (read.repaired is None) == (end == len(GOOD))


def test_a_whole_completion_is_kept_as_it_is() -> None:
    assert read_answer(reply(f" {FIRST} {SECOND} And more\n"), COMPLETION) == ReadText(f"{FIRST} {SECOND} And more", None)
    assert read_answer(reply(GOOD), COMPLETION) == ReadText(GOOD, None), "a completion is never read as JSON"
    assert read_answer(reply("<think> is a word."), COMPLETION).text == "<think> is a word."


@pytest.mark.parametrize("rest", ["Then a", "It runs at 4.", "Drums feat.", "By Dr. ", "It grows, e.g. in the", "Soft"])
@pytest.mark.parametrize("finish", ["length", "max_tokens", "content_filter"])
def test_a_cut_completion_keeps_its_whole_sentences(rest: str, finish: str) -> None:
    assert read_answer(reply(f" {FIRST} {SECOND} {rest}", finish), COMPLETION) == ReadText(BOTH, "cut")


def test_a_completion_cut_in_its_first_sentence() -> None:
    error = refused(" A slow piano ballad with", "length", chat=False)
    assert error.reason == "cut"
    assert "A slow piano ballad with" in error.message


@pytest.mark.parametrize("text", ["", " \n\t\u2028 ", "...", '""', "⁂", "{}", "[]", "```\n```"])
@pytest.mark.parametrize("chat", [True, False])
def test_a_reply_that_says_nothing(text: str, chat: bool) -> None:
    assert refused(text, "stop", chat).reason == "empty"
    assert refused(text, "length", chat).reason == "cut"


NOT_JSON = {
    "plain": f"{FIRST} {SECOND}",
    "html": "<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>",
    "null": "null",
    "true": "true",
    "number": "12",
    "string": json.dumps(FIRST),
    "nested lists": json.dumps([[FIRST], [SECOND]]),
    "deep": "[" * 50_000 + "a",
    "deep object": '{"sentences":' * 5000,
    "null sentences": '{"sentences": null}',
    "number of sentences": '{"sentences": 3}',
    "long number": '{"sentences": ' + "1" * 5000 + "}",
    "nan": '{"sentences": NaN}',
    "other keys": json.dumps({"title": FIRST, "mood": SECOND}),
    "ambiguous": json.dumps({"caption": FIRST, "text": SECOND}),
    "refusal": "I'm sorry, but I do not know this song.",
}


@pytest.mark.parametrize("text", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_the_json_asked_for(text: str) -> None:
    assert refused(text).reason == "not_json"
    assert refused(text, "length").reason == "cut"
    assert text[:100] in refused(text).message


@pytest.mark.parametrize("inner", ["[]", '["", " ", "!"]', "[1, 2.5, true, null]", f"[[{json.dumps(FIRST)}]]", "[{}]", '[{"a": {"b": 1}}]'])
def test_json_without_a_sentence_is_empty(inner: str) -> None:
    assert refused(f'{{"sentences": {inner}}}').reason == "empty"


def test_what_is_no_text_among_the_sentences_is_passed_over() -> None:
    mixed = json.dumps({"sentences": [None, FIRST, 3, [SECOND], {"text": SECOND}]})
    assert read_answer(reply(mixed), CHAT) == ReadText(BOTH, None)


def test_thoughts_before_the_answer_are_passed_over() -> None:
    thoughts = '<think>\nMaybe {"sentences": ["Loud drums."]}?\n</think>\n\n'
    assert read_answer(reply(thoughts + GOOD), CHAT) == ReadText(BOTH, None)
    assert read_answer(reply(f"\n<thinking>hm</thinking>{GOOD}"), CHAT) == ReadText(BOTH, None)
    assert refused(thoughts).reason == "empty"
    endless = '<think> Perhaps {"sentences": ["Loud drums."]}, or'
    assert refused(endless, "length").reason == "cut"
    assert endless in refused(endless, "length").message


@pytest.mark.parametrize("chat", [True, False])
def test_ten_megabytes_are_refused_at_once(chat: bool) -> None:
    huge = '{"sentences": ["' + "a. " * 3_500_000
    begun = time.perf_counter()
    error = refused(huge, "length", chat)
    assert time.perf_counter() - begun < 1
    assert error.reason == "too_long"
    assert len(error.message) < EXCERPT_CHARACTERS + 200
    assert huge[:EXCERPT_CHARACTERS] in error.message


def test_the_longest_reply_that_is_read() -> None:
    longest = "a" * MAX_CHARACTERS
    assert read_answer(reply(longest), COMPLETION).text == longest
    assert refused(longest + "a", chat=False).reason == "too_long"


def test_long_broken_json_is_mended_as_far_as_it_is_looked_at() -> None:
    many = [f"Sentence number {number} has a calm piano." for number in range(2000)]
    read = read_answer(reply(json.dumps({"sentences": many})[:-2]), CHAT)
    sentences = read.text.split("\n")
    assert read.repaired == "cut"
    assert sentences == many[: len(sentences)]
    assert MENDED_CHARACTERS / 2 < len(read.text) < MENDED_CHARACTERS
    whole = read_answer(reply(json.dumps({"sentences": many[:1500]})), CHAT)
    assert whole == ReadText("\n".join(many[:1500]), None), "good JSON is read whole"


@pytest.mark.parametrize(
    ("text", "finish", "chat"),
    [("x" * 5000, "stop", True), ("x" * 5000, "length", True), ("x" * 5000, "length", False), ("?" * 5000, "stop", False)],
)
def test_a_dead_letter_keeps_the_beginning_of_the_reply(text: str, finish: str, chat: bool) -> None:
    error = refused(text, finish, chat)
    assert error.message.endswith(text[:EXCERPT_CHARACTERS])
    assert len(error.message) < EXCERPT_CHARACTERS + 200
    assert f"finish: {finish}" in error.message


PIECES = [
    "{",
    "}",
    "[",
    "]",
    '"',
    "'",
    ",",
    ":",
    "\\",
    "\n",
    " ",
    ".",
    "sentences",
    "text",
    "a",
    "null",
    "1",
    "```json",
    "<think>",
    "//",
    "⁂",
]
BROKEN = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
SCALARS = st.none() | st.booleans() | st.floats() | st.text()
JSON = st.recursive(SCALARS, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner))


@given(st.text() | BROKEN | BROKEN.map('{"sentences": '.__add__), st.sampled_from(["stop", "length", "", "tool_calls"]), st.booleans())
def test_any_text_is_read_or_a_dead_letter(text: str, finish: str, chat: bool) -> None:
    read = outcome(text, finish, chat)
    if isinstance(read, RowError):
        assert read.reason in ("empty", "cut", "not_json")
        assert text[:EXCERPT_CHARACTERS] in read.message
    else:
        assert any(mark.isalnum() for mark in read.text)
        assert read.repaired in (None, "json", "cut")


@given(JSON, st.booleans())
def test_any_json_is_read_or_a_dead_letter(value: object, wrapped: bool) -> None:
    text = json.dumps({"sentences": value} if wrapped else value)
    read = outcome(text)
    if isinstance(read, RowError):
        assert read.reason in ("empty", "not_json")
    else:
        assert all(any(mark.isalnum() for mark in line) for line in read.text.split("\n"))


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.isalnum), min_size=1))
def test_what_was_asked_for_is_read_back(sentences: list[str]) -> None:
    assert read_answer(reply(json.dumps({"sentences": sentences})), CHAT) == ReadText("\n".join(sentences), None)
