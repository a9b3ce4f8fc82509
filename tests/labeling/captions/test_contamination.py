"""The leak guard finds every held-out text, equal or nearly, and nothing that training rows say themselves."""

from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.core.errors import UserError
from noise2music.labeling.captions.builtin import builtin_sentences, builtin_tags
from noise2music.labeling.captions.contamination import (
    Contamination,
    HeldOutTexts,
    check_contamination,
    find_contamination,
    read_held_out_texts,
)
from noise2music.labeling.captions.text import caption_key

SHARED = Path(__file__).resolve().parents[3].parent / "shared"
HEADER = "aspect_list,caption,is_audioset_eval\n"
LONG = "A slow waltz for accordion and tuba with a steady snare drum in the background"
FORMULA = "This song may be playing at a small village festival in summer"
TABLE = f"""{HEADER}"['x']","{LONG}. It is loud. {FORMULA}.",True
"['x']","A brisk polka is played on two clarinets. {FORMULA}.",False
"""

words = st.lists(st.sampled_from("abcd"), max_size=9).map(" ".join)


@pytest.fixture
def held_out(tmp_path: Path) -> HeldOutTexts:
    (tmp_path / "m.csv").write_text(TABLE)
    return read_held_out_texts((str(tmp_path / "m.csv"),))


def test_what_is_guarded(held_out: HeldOutTexts) -> None:
    assert set(held_out.texts) == {caption_key(LONG), caption_key(FORMULA), caption_key(f"{LONG}. It is loud. {FORMULA}.")}
    assert caption_key(FORMULA) in held_out.training


@pytest.mark.parametrize(
    ("caption", "leaks"),
    [
        (f"{LONG}.", True),
        (LONG.upper() + "!!", True),
        (LONG.replace("steady", "soft"), True),
        (f"{LONG} today", True),
        (f"{LONG}. It is loud. {FORMULA}.", True),
        (LONG.replace("waltz", "polka").replace("tuba", "harp").replace("snare", "bass"), False),
        ("It is loud.", False),
        (f"{FORMULA}.", False),
        ("A brisk polka is played on two clarinets.", False),
        ("accordion", False),
        ("", False),
    ],
)
def test_equal_or_nearly_equal(held_out: HeldOutTexts, caption: str, leaks: bool) -> None:
    found = find_contamination([caption], held_out, threshold=0.75)
    assert bool(found) is leaks
    assert all(leak.caption == caption and leak.similarity >= 0.75 for leak in found)


def test_the_nearest_text_is_named(held_out: HeldOutTexts) -> None:
    assert find_contamination([LONG], held_out) == [Contamination(LONG, f"{LONG}.", 1.0)]


def brute_force(caption: str, held_out: HeldOutTexts, threshold: float) -> float:
    """The highest similarity at or above the threshold, 0 when there is none, by comparing with every text."""
    if caption in held_out.training:
        return 0.0
    if caption in held_out.texts:
        return 1.0
    mine = set(pairwise(caption.split()))
    best = 0.0
    for text in held_out.texts:
        theirs = set(pairwise(text.split()))
        if mine and theirs:
            best = max(best, len(mine & theirs) / len(mine | theirs))
    return best if best >= threshold - 1e-12 else 0.0


@given(
    st.lists(words, max_size=6), st.lists(words, max_size=8), st.sets(words, max_size=2), st.sampled_from([0.3, 0.5, 0.6, 0.75, 0.8, 1.0])
)
@settings(max_examples=300)
def test_the_index_finds_what_comparing_everything_finds(
    texts: list[str], captions: list[str], training: set[str], threshold: float
) -> None:
    held_out = HeldOutTexts({text: text for text in texts if text}, frozenset(training))
    found = {leak.caption: leak.similarity for leak in find_contamination(captions, held_out, threshold)}
    expected = {caption: brute_force(caption, held_out, threshold) for caption in captions}
    assert found == pytest.approx({caption: similarity for caption, similarity in expected.items() if similarity})


def test_the_check_names_ten_captions_and_says_what_to_do() -> None:
    texts = {f"held out text number {number} is this one here": f"Text {number}" for number in range(12)}
    captions = ["a harp", *texts]
    with pytest.raises(UserError) as raised:
        check_contamination("words", captions, HeldOutTexts(texts, frozenset()))
    message = str(raised.value)
    assert message.count('"held out text number') == 10
    for part in ("vocabulary words", "12 of its 13 captions", "and 2 more", "caption_split", "allowed_splits"):
        assert part in message
    check_contamination("words", ["a harp"], HeldOutTexts(texts, frozenset()))
    check_contamination("words", captions, HeldOutTexts({}, frozenset()))


@pytest.mark.parametrize("row", ["\"['x']\",text,perhaps\n", "only one cell\n"])
def test_a_row_that_cannot_be_read_stops_the_run(tmp_path: Path, row: str) -> None:
    (tmp_path / "m.csv").write_text(TABLE + row)
    with pytest.raises(UserError, match="cannot tell which captions"):
        read_held_out_texts((str(tmp_path / "m.csv"),))


def test_a_threshold_out_of_range_is_refused(held_out: HeldOutTexts) -> None:
    with pytest.raises(ValueError, match="threshold"):
        find_contamination([], held_out, 0.0)


@pytest.mark.skipif(
    not (SHARED / "data/text/musiccaps-public.csv").exists(), reason="the shared MusicCaps captions are not on this machine"
)
def test_the_built_in_captions_do_not_repeat_musiccaps() -> None:
    guard = read_held_out_texts((str(SHARED / "data/text/musiccaps-public.csv"),))
    assert len(guard.texts) > 10_000
    assert find_contamination([*builtin_sentences(), *(tag.text for tag in builtin_tags())], guard, 0.6) == []
