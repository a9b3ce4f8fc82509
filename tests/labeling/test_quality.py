"""Measures of captions: closed forms on small sets, and what the lexicon takes for an instrument."""

import random
from pathlib import Path

import pytest

from labeling.cleaning.lexicon import KINDS, named
from labeling.cleaning.musiccaps_quality import MUSICCAPS, musiccaps_sentences
from labeling.cleaning.quality import SIZES, comparable_size, measure, self_bleu

MUSICCAPS_CSV = Path(__file__).parents[3] / "shared" / "data" / "text" / "musiccaps-public.csv"


def test_captions_that_are_all_the_same() -> None:
    found = measure(["A slow piano song with soft vocals."] * 10, 10)
    assert (found.captions, found.vocabulary, found.self_bleu) == (10, 7, 1.0)
    assert (found.distinct_1, found.distinct_2) == (0.1, 0.1)
    assert {found.words_p5, found.words_p50, found.words_p95} == {7.0}
    assert (found.names_instrument, found.names_tempo, found.names_vocal, found.names_genre) == (1.0, 1.0, 1.0, 0.0)


def test_captions_that_share_no_word() -> None:
    assert self_bleu([("a", "b", "c", "d"), ("e", "f", "g", "h"), ("i", "j")]) == 0.0
    assert measure(["a b c d", "e f g h"], 2).distinct_2 == 1.0


def test_bleu_by_hand() -> None:
    # "a b c" against "a b d": 2 of 3 words; (1 + 1) / (2 + 1) pairs; (0 + 1) / (1 + 1) triples; no penalty.
    assert self_bleu([("a", "b", "c"), ("a", "b", "d")]) == pytest.approx((2 / 3 * 2 / 3 * 1 / 2) ** (1 / 3), abs=1e-4)
    # "a" against "a a a": precision 1, brevity exp(1 - 3); "a a a" against "a": 1/3, (0 + 1)/(2 + 1), (0 + 1)/(1 + 1).
    both = (2.718281828 ** (1 - 3) + (1 / 3 * 1 / 3 * 1 / 2) ** (1 / 3)) / 2
    assert self_bleu([("a",), ("a", "a", "a")]) == pytest.approx(both, abs=1e-4)


def test_the_order_does_not_matter() -> None:
    captions = [f"A {mood} song with {lead} number {n}." for n in range(40) for mood, lead in [("calm", "piano"), ("dark", "cello")]]
    found = measure(captions, 50)
    random.Random(1).shuffle(captions)
    assert measure(captions, 50) == found


def test_sets_are_compared_at_equal_size() -> None:
    assert [comparable_size(count) for count in (0, 99, 100, 999, 1000, 10**7)] == [None, None, 100, 300, 1000, 10000]
    assert set(MUSICCAPS) == set(SIZES)


@pytest.mark.parametrize(
    ("text", "kind", "wanted"),
    [
        ("A piano and two guitars over drums", "instrument", {"piano", "guitars", "drums"}),
        ("The base is organised by a violinist", "instrument", set()),
        ("Acoustic-guitar and hi-hats", "instrument", {"acoustic-guitar", "hi-hats"}),
        ("A hip-hop beat with R&B harmonies", "genre", {"hip-hop", "r&b"}),
        ("Slowly, at 90 BPM", "tempo", {"slowly", "bpm"}),
        ("He sings with a soft voice", "vocal", {"sings", "voice"}),
        ("A melancholic, dreamy mood", "mood", {"melancholic", "dreamy"}),
        ("Nothing at all", "mood", set()),
    ],
)
def test_what_is_named(text: str, kind: str, wanted: set[str]) -> None:
    assert kind in KINDS
    assert named(kind, text) == wanted


@pytest.mark.skipif(not MUSICCAPS_CSV.is_file(), reason="MusicCaps is not here")
def test_the_reference_is_what_musiccaps_measures() -> None:
    assert measure(musiccaps_sentences(str(MUSICCAPS_CSV)), 1000) == MUSICCAPS[1000]
