"""Lists in cells, as Python, numpy, JSON and databases write them."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.errors import UserError
from noise2music.core.tables.cell_items import UnreadableCellError, cell_items, is_list_text, list_items, plain_text, split_plain
from noise2music.core.tables.row import Row
from noise2music.core.tally import Tally

TEXTS = st.lists(st.text(st.characters(codec="utf-8", categories=("L", "N", "P", "S")), min_size=1).filter(lambda text: text != "nan"))


@pytest.mark.parametrize(
    ("cell", "items"),
    [
        ("['lo-fi', 'chill']", ["lo-fi", "chill"]),
        ("['calm piano' 'soft strings']", ["calm piano", "soft strings"]),
        ("['calm piano'\n 'soft strings']", ["calm piano", "soft strings"]),
        ("""["it's" 'say "x"']""", ["it's", 'say "x"']),
        ('["lo-fi", "chill"]', ["lo-fi", "chill"]),
        ("('a', 'b')", ["a", "b"]),
        ("{'a', 'b'}", ["a", "b"]),
        ("array(['a', 'b'], dtype=object)", ["a", "b"]),
        ("[rock, hip hop]", ["rock", "hip hop"]),
        ("{rock,pop}", ["rock", "pop"]),
        ("{'rock': 0.9, 'pop': 0, 'jazz': True}", ["rock", "jazz"]),
        ("{'genre': 'rock', 'mood': 'calm'}", ["rock", "calm"]),
        ("[{'id': 4, 'name': 'rock'}]", ["rock"]),
        ('[{"genre_id": "4", "genre_title": "lo-fi"}]', ["lo-fi"]),
        ("[None, 'a', nan]", ["a"]),
        ("[21, 10]", []),
        ("[]", []),
        ([("genre", "lo-fi"), ("genre", "chill")], ["lo-fi", "chill"]),
        ([("rock", 0.9), ("pop", 0.0)], ["rock"]),
        ({"bytes": None, "path": "a.flac"}, ["a.flac"]),
        ([{"id": 1, "name": "Blur"}], ["Blur"]),
        (("a", None, 3), ["a"]),
        ("AC/DC (live)", ["AC/DC (live)"]),
        (None, []),
    ],
)
def test_a_cell_lists_its_items(cell: Any, items: list[str]) -> None:
    assert list(cell_items(cell)) == items


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("['a' 'b' ... 'z']", "cut_list"),
        ("['lo-fi'", "bad_list"),
        ("'chill']", "bad_list"),
        ("[pop rock]", "bad_list"),
        ("['a' b]", "bad_list"),
        ("['a',, 'b']", "bad_list"),
        ("[['a' 'b']]", "bad_list"),
        ("{'a': 'b'" + " " * 50 + "'c'}", "bad_list"),
        ("[" * 5000, "bad_list"),
        ("['" + "x" * 30_000 + "']", "bad_list"),
        ("{'" + "\\'" * 9000 + "}", "bad_list"),
        ([["a"], ["b"]], "bad_list"),
        ([{"a": 1, "b": 2}], "bad_list"),
    ],
)
def test_what_looks_like_a_list_and_is_none_is_refused(cell: Any, reason: str) -> None:
    with pytest.raises(UnreadableCellError) as caught:
        list_items(cell)
    assert caught.value.reason == reason
    assert "\n" not in str(caught.value)


@given(TEXTS)
def test_every_way_to_write_a_list_gives_its_items(texts: list[str]) -> None:
    assert list_items(json.dumps(texts)) == texts
    if len(repr(texts)) < 20_000:
        assert list_items(repr(texts)) == texts
        whole = np.array2string(np.array(texts, dtype=object), threshold=10**6)
        assert list_items(whole) == texts


@pytest.mark.parametrize(
    ("text", "is_list"),
    [("[Intro] calm piano", False), ("He sings 'oh' ('la')", False), ("[Intro] a [Outro]", False), ("['a', 'b'", True), ("['a']", True)],
)
def test_a_sentence_with_brackets_is_no_list(text: str, is_list: bool) -> None:
    assert is_list_text(text) is is_list


def test_lists_without_quotes() -> None:
    assert split_plain("a, b;c|d") == ["a", " b", "c", "d"]
    for code in ("__import__('os').system('x')", "['a', 'b'"):
        with pytest.raises(UnreadableCellError):
            split_plain(code)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1979.0, "1979"),
        (2, "2"),
        (1.5, "1.5"),
        (True, None),
        (float("nan"), None),
        ("nan", None),
        ("Null", "Null"),
        (b"x", "x"),
        (b"\xff", None),
    ],
)
def test_values_as_text(value: Any, text: str | None) -> None:
    assert plain_text(value) == text


@pytest.mark.parametrize("missing", ["nan", "NaN", "None", "NULL", "null", "N/A", "<NA>", "#N/A", "", " ", None, float("nan")])
def test_what_pandas_writes_for_nothing_is_nothing(missing: Any) -> None:
    row = Row("t.csv, line 2", {"title": missing})
    assert row.texts("title") == []
    assert row.items("title") == []


def test_a_row_says_what_it_leaves_out() -> None:
    notes = Tally()
    row = Row("t.csv, line 2", {"title": True, "tags": "['a' 'b' ... 'z']", "ids": "[21, 10]", "artist": "['Nicole', 'Me']"}, notes)
    assert (row.texts("title"), row.items("tags"), row.items("ids"), row.texts("artist")) == ([], [], [], ["Nicole", "Me"])
    assert notes.lost == {"not_text": 1, "cut_list": 1, "number_in_list": 2}
    assert "t.csv, line 2" in notes.examples["cut_list"][0]
    assert Row("t", {"title": "[1979]"}).texts("title") == ["[1979]"]
    with pytest.raises(UserError, match="'title' holds a dict"):
        Row("t", {"title": {"a": 1}}).texts("title")
