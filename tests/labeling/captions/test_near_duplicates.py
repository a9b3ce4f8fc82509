import time
from itertools import combinations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.labeling.captions.cleaning.near_duplicates import BANDS, MOST_COMPARED, ROWS, band_keys, nearly_same, permutations
from noise2music.labeling.captions.text import caption_key

WORDS = ("slow", "piano", "soft", "drums", "with", "a")
TEXTS = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8).map(" ".join)
CAPTIONS = st.lists(st.tuples(st.integers(1, 3), TEXTS), max_size=12).map(
    lambda rows: [(f"id{number}", count, text) for number, (count, text) in enumerate(rows)]
)


def pairs(text):
    words = caption_key(text).split()
    return {tuple(words[start : start + 2]) for start in range(len(words) - 1)} or {(*words, "")}


def jaccard(left, right):
    one, other = pairs(left), pairs(right)
    return len(one & other) / len(one | other)


def rank(caption):
    identifier, count, text = caption
    return -count, -len(text), identifier


@given(captions=CAPTIONS, threshold=st.sampled_from([0.3, 0.5, 0.8, 1.0]), order=st.randoms(use_true_random=False))
def test_exactly_those_fall_that_a_better_one_nearly_repeats(captions, threshold, order):
    expected = {
        identifier
        for identifier, count, text in captions
        if any(
            rank(better) < rank((identifier, count, text)) and jaccard(better[2], text) >= threshold
            for better in captions
            if better[0] != identifier
        )
    }
    assert set(nearly_same(captions, threshold)) == expected
    shuffled = order.sample(captions, len(captions))
    assert nearly_same(shuffled, threshold) == nearly_same(captions, threshold)


@given(captions=CAPTIONS.filter(bool))
def test_the_best_caption_stays_and_whoever_falls_has_somebody_better(captions):
    fallen = set(nearly_same(captions, 0.5))
    assert min(captions, key=rank)[0] not in fallen
    assert set(nearly_same(captions, 0.8)) <= fallen


def test_better_is_said_more_often_then_longer_then_first_by_id():
    assert nearly_same([("a", 1, "Soft slow piano chords."), ("b", 2, "Soft slow piano chords.")], 0.8) == ["a"]
    assert nearly_same([("a", 1, "soft slow piano"), ("b", 1, "Soft, slow piano!")], 0.8) == ["a"]
    assert nearly_same([("b", 1, "soft slow piano"), ("a", 1, "soft slow piano")], 0.8) == ["b"]


def test_captions_with_one_key_share_all_bands():
    keys = band_keys(["Soft, slow piano.", "soft slow piano", "SOFT SLOW PIANO!", "A loud brass fanfare over drums."])
    assert keys.shape == (4, BANDS)
    assert keys.dtype == np.uint64
    assert (keys[0] == keys[1]).all()
    assert (keys[0] == keys[2]).all()
    assert not (keys[0] == keys[3]).any()
    assert len(set(keys[0].tolist())) == BANDS
    assert band_keys([]).shape == (0, BANDS)


def test_permutations_and_bands_are_those_of_datasketch():
    """Computed with datasketch 2.0.0: MinHash(num_perm=32, seed=1).permutations, and the bands that it gave."""
    factors, terms = permutations()
    assert (factors % 2 == 1).all()
    assert factors[:4].tolist() == [3582191691, 4270784983, 1892572953, 3715639441]
    assert factors[-2:].tolist() == [1464304741, 3555906697]
    assert terms[:4].tolist() == [1792310487, 1963679703, 2399554537, 1849836273]
    assert terms[-2:].tolist() == [1808643459, 2884732358]
    assert band_keys(["Soft, slow piano."])[0, :2].tolist() == [10991499250252476293, 15672536339933676261]


@settings(deadline=None)
@given(texts=st.lists(TEXTS, min_size=1, max_size=6), order=st.randoms(use_true_random=False))
def test_bands_depend_on_the_caption_alone(texts, order):
    keys = dict(zip(texts, map(tuple, band_keys(texts).tolist()), strict=True))
    for text in order.sample(texts, len(texts)):
        assert tuple(band_keys([text])[0].tolist()) == keys[text]


def test_bands_find_near_duplicates_as_often_as_their_formula_says():
    """One of 20 words replaced at the end: similarity 18 / 20 of word pairs; at 0.5 far fewer share a band."""
    rng = np.random.default_rng(0)

    def share(replaced):
        texts = [[f"w{word}" for word in rng.integers(0, 10_000, 20)] for _ in range(400)]
        changed = [[*words[:-replaced], *(f"v{number}" for number in range(replaced))] for words in texts]
        similarity = (19 - replaced) / (19 + replaced)
        one, other = (band_keys([" ".join(words) for words in side]) for side in (texts, changed))
        expected = 1 - (1 - similarity**ROWS) ** BANDS
        return (one == other).any(1).mean(), expected

    for replaced in (1, 6, 12):
        measured, expected = share(replaced)
        assert abs(measured - expected) < 5 * np.sqrt(expected * (1 - expected) / 400) + 0.01


def test_a_band_of_thousands_takes_seconds():
    captions = [(f"{number:05}", 1, " ".join(f"w{number}x{place}" for place in range(12))) for number in range(5000)]
    start = time.process_time()
    assert nearly_same(captions, 0.8) == []
    assert time.process_time() - start < 10
    same = [(identifier, 1, "a slow piano ballad with soft strings") for identifier, _, _ in captions]
    assert len(nearly_same(same, 0.8)) == len(same) - 1


def test_beyond_the_most_compared_only_the_best_count():
    far = [(f"{number:05}", 2, f"a{number} b{number} c{number}") for number in range(MOST_COMPARED)]
    twins = [("x", 1, "soft slow piano"), ("y", 1, "soft slow piano")]
    assert nearly_same([*far, *twins], 0.8) == []
    assert nearly_same([*far[:-1], *twins], 0.8) == ["y"]
    assert all(not pairs(left[2]) & pairs(right[2]) for left, right in combinations(far[:5], 2))
