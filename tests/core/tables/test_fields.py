import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.tables.fields import MAX_TAGS, clean_field, split_tags


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  two\n\twords ", "two words"),
        ("a\0b\x1b[31mc\x7f", "ab[31mc"),
        ("\u202eevil\u2066", "evil"),
        ("e\u0301", "é"),
        ("👩\u200d🎤 می\u200cخواهم", "👩\u200d🎤 می\u200cخواهم"),
        ("\ud800x", "x"),
        (" \0 ", None),
        ("", None),
        ("<script>", "<script>"),
    ],
)
def test_fields_are_made_safe(text: str, expected: str | None) -> None:
    assert clean_field(text) == expected


@given(st.text(max_size=300), st.integers(2, 50))
def test_fields_are_bounded_and_settle(text: str, limit: int) -> None:
    cleaned = clean_field(text, limit)
    if cleaned is not None:
        assert 1 <= len(cleaned) <= limit
        assert cleaned.encode()
        assert clean_field(cleaned, limit) == cleaned


def test_a_cut_shows() -> None:
    assert clean_field("abcdef", 4) == "abc…"
    assert clean_field("abcd", 4) == "abcd"
    assert clean_field("ab" + " " * 100 + "c", 4) == "ab…"


def test_tags_are_split_lowered_and_once() -> None:
    assert split_tags(["Rock, pop;ROCK | Drum & Bass", "", ",,", "jazz/fusion"]) == ("rock", "pop", "drum & bass", "jazz/fusion")
    assert split_tags([]) == ()
    assert split_tags(["nan, rock", "None", "genre---lo-fi", "mood/theme---calm"]) == ("rock", "lo-fi", "calm")
    assert len(split_tags([",".join(map(str, range(10_000)))])) == MAX_TAGS
