import pytest

from labeling.admission import exclusion, licence_matches, opt_out_keys
from labeling.ids import stable_id
from labeling.settings import Corpus

SHA = "AB" * 32
TRACK = stable_id("track", "a/song.mp3")


def decide(
    licence: str | None = "CC0",
    opted_out: str = "",
    licences: tuple[str, ...] | None = None,
    has_clips: bool = True,
    key: str = "a/song.mp3",
):  # type: ignore[no-untyped-def]
    settings = Corpus(audio="a", licences=licences)
    return exclusion(key, TRACK, SHA.lower(), licence, has_clips, settings, frozenset(opt_out_keys(opted_out)))


@pytest.mark.parametrize(
    ("licence", "allowed", "expected"),
    [
        ("CC0 1.0", "cc0 1.0", True),
        ("  CC0\t 1.0\n", "CC0 1.0", True),
        ("CC0 1.0", "CC0", False),
        ("CC BY 4.0", "CC BY*", True),
        ("CC BY-NC 4.0", "CC BY *", False),
        ("CC BY", "*", True),
        ("CC*", "CC", False),
        ("", "CC0", False),
        (None, "*", False),
        (None, "CC0", False),
    ],
)
def test_licences_match_but_for_case_and_space(licence: str | None, allowed: str, expected: bool) -> None:
    assert licence_matches(licence, allowed) is expected


def test_the_reasons_and_their_order() -> None:
    assert decide() is None
    assert decide(licence=None) is None
    assert decide(has_clips=False) == "too_short"
    assert decide(licences=("CC BY*", "cc0")) is None
    assert decide(licences=("CC BY*",), has_clips=False) == "licence"
    assert decide(licence=None, licences=("CC0",)) == "licence"
    assert decide(licences=()) == "licence"
    assert decide(licences=(), opted_out=TRACK) == "opted_out"


@pytest.mark.parametrize(
    "entry", ["a/song.mp3", TRACK, TRACK.upper(), SHA, SHA.lower(), "  a/song.mp3  # asked by mail", "\ufeffa/song.mp3\r\nother"]
)
def test_a_track_is_opted_out_by_key_id_or_hash(entry: str) -> None:
    assert decide(opted_out=entry) == "opted_out"


@pytest.mark.parametrize("entry", ["", "song.mp3", "# a/song.mp3", "a/song.mp3x", "\n\n#\n", "*"])
def test_a_track_that_is_not_named_stays(entry: str) -> None:
    assert decide(opted_out=entry) is None


def test_names_that_hold_the_comment_mark_or_another_unicode_form() -> None:
    assert decide(key="song #1 # two.mp3", opted_out="song #1 # two.mp3 # why") == "opted_out"
    assert decide(key="e\u0301.mp3", opted_out="é.mp3") == "opted_out"
    assert decide(key="é.mp3", opted_out="e\u0301.mp3") == "opted_out"
    assert decide(key="a\u2028b.mp3", opted_out="a\u2028b.mp3") == "opted_out"
