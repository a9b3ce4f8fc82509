import pytest

from noise2music.labeling.corpus.clips import exclusion_reason, licence_matches, track_split
from noise2music.labeling.settings import Columns, Corpus


def decide(
    licence: str | None = "CC0",
    split: str | None = "train",
    licences: tuple[str, ...] | None = None,
    has_clips: bool = True,
    opted_out: tuple[str, ...] = (),
) -> str | None:
    return exclusion_reason("1", licence, split, has_clips, Corpus(audio="a", licences=licences), frozenset(opted_out))


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
    assert decide(licences=(), split=None) == "no_split"
    assert decide(split=None, opted_out=("1",)) == "opted_out"
    assert decide(opted_out=("2",)) is None


def test_with_a_column_of_splits_a_track_without_one_is_in_none_unless_it_is_said() -> None:
    plain, split = Corpus(audio="a"), Corpus(audio="a", columns=Columns(split="part"))
    told = Corpus(audio="a", columns=Columns(split="part"), unmatched_split="valid")
    assert [track_split(None, corpus) for corpus in (plain, split, told)] == ["train", None, "valid"]
    assert [track_split("test", corpus) for corpus in (plain, split, told)] == ["test"] * 3
