from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.core.ids import hash_uniform, mix
from noise2music.labeling.retrieval.balance import KeyedHash, Sampled, count_candidates, inclusion_probability, sample_labels, smallest

SEEDS = st.integers(0, 2**32 - 1)


def ids(count: int, start: int = 0) -> np.ndarray:
    return mix(np.arange(start, start + count, dtype=np.uint64))


def some(seed: int, clips: int, width: int, vocabulary: int) -> tuple[np.ndarray, np.ndarray]:
    """Distinct candidates a clip, skewed, with holes (-1) at the end of some rows; and their scores."""
    rng = np.random.default_rng(seed)
    order = np.argsort(rng.random((clips, vocabulary)) * np.linspace(1, 5, vocabulary), axis=1)[:, :width].astype(np.int32)
    order[np.arange(width) >= rng.integers(0, 3 * width, (clips, 1))] = -1
    return order, -np.sort(-rng.uniform(-0.2, 0.8, (clips, width)).astype(np.float32), axis=1)


def named(captions: np.ndarray, sampled: Sampled) -> list[dict[int, float]]:
    """Each clip's labels as {caption: p}."""
    return [
        {int(row[i]): float(p) for i, p in zip(positions, ps, strict=True) if i >= 0}
        for row, positions, ps in zip(captions, sampled.positions, sampled.p, strict=True)
    ]


@given(seed=SEEDS, clips=st.integers(0, 30))
def test_counts_add_up_over_parts(seed: int, clips: int) -> None:
    captions, _ = some(seed, clips, 4, 9)
    counts = count_candidates(captions, 9)
    assert counts.dtype == np.int64
    assert counts.tolist() == [int((captions == caption).sum()) for caption in range(9)]
    assert np.array_equal(counts, count_candidates(captions[: clips // 2], 9) + count_candidates(captions[clips // 2 :], 9))


@pytest.mark.parametrize("wrong", [9, -2, 2**31 - 1])
def test_a_candidate_outside_the_vocabulary_is_refused(wrong: int) -> None:
    with pytest.raises(ValueError, match="9 captions"):
        count_candidates(np.array([[0, wrong]], np.int32), 9)


@given(seed=st.integers(-(2**63), 2**64 - 1))
def test_keyed_hash_is_hash_uniform(seed: int) -> None:
    clips, captions = ids(7), ids(20, 100)
    columns = np.random.default_rng(0).integers(0, 20, (4, 3)).astype(np.int32)
    expected = hash_uniform(seed, clips[2:6, None], captions[columns])
    assert np.array_equal(KeyedHash(seed, clips, captions).uniform(slice(2, 6), columns), expected)


@given(seed=SEEDS, width=st.integers(1, 8), count=st.integers(1, 9), levels=st.integers(1, 4))
def test_smallest_is_the_head_of_a_stable_sort(seed: int, width: int, count: int, levels: int) -> None:
    rng = np.random.default_rng(seed)
    keys, names = rng.integers(0, levels, (20, width)).astype(np.float64), rng.permuted(np.tile(ids(width), (20, 1)), axis=1)
    chosen = smallest(keys, names, count)
    for row in range(20):
        head = sorted(range(width), key=lambda i: (keys[row, i], int(names[row, i])))[:count]
        assert np.flatnonzero(chosen[row]).tolist() == sorted(head)


@settings(deadline=None)
@given(seed=SEEDS, labels_per_clip=st.integers(1, 7), floor=st.none() | st.floats(-0.3, 0.9))
def test_labels_do_not_depend_on_order_of_candidates_or_clips_or_batch(seed: int, labels_per_clip: int, floor: float | None) -> None:
    clips, captions_ids = ids(40), ids(15, 1000)
    captions, scores = some(seed, 40, 6, 15)
    frequency = count_candidates(captions, 15)

    def labels(rows: np.ndarray, captions: np.ndarray, scores: np.ndarray) -> Sampled:
        return sample_labels(clips[rows], captions, scores, frequency, captions_ids, labels_per_clip, seed, floor)

    every = np.arange(40)
    whole = labels(every, captions, scores)
    rng = np.random.default_rng(seed)
    mixed = rng.permuted(np.tile(np.arange(6), (40, 1)), axis=1)
    moved, moved_scores = np.take_along_axis(captions, mixed, 1), np.take_along_axis(scores, mixed, 1)
    assert named(moved, labels(every, moved, moved_scores)) == named(captions, whole)
    order = rng.permutation(40)
    shuffled = labels(order, captions[order], scores[order])
    assert np.array_equal(shuffled.positions, whole.positions[order])
    single = [labels(every[i : i + 1], captions[i : i + 1], scores[i : i + 1]) for i in every]
    assert np.concatenate([s.p for s in single]).tobytes() == whole.p.tobytes()
    assert sum(s.below_floor for s in single) == whole.below_floor


def test_many_blocks_equal_one_clip_at_a_time() -> None:
    captions, scores = some(0, 20_000, 5, 12)
    frequency, clips, captions_ids = count_candidates(captions, 12), ids(20_000), ids(12, 10**6)
    whole = sample_labels(clips, captions, scores, frequency, captions_ids, 2, 0)
    for i in (0, 1, 6552, 6553, 6554, 13_107, 19_999):
        one = sample_labels(clips[i : i + 1], captions[i : i + 1], scores[i : i + 1], frequency, captions_ids, 2, 0)
        assert np.array_equal(one.positions[0], whole.positions[i])


@given(seed=SEEDS, labels_per_clip=st.integers(1, 7), floor=st.none() | st.floats(-0.3, 0.9))
def test_what_a_sample_looks_like(seed: int, labels_per_clip: int, floor: float | None) -> None:
    captions, scores = some(seed, 30, 6, 15)
    frequency = count_candidates(captions, 15)
    sampled = sample_labels(ids(30), captions, scores, frequency, ids(15, 1000), labels_per_clip, seed, floor)
    assert sampled.positions.shape == sampled.p.shape == (30, labels_per_clip)
    assert sampled.positions.dtype == np.int16
    assert sampled.p.dtype == np.float32
    open_to = (captions >= 0) & (scores >= (-2 if floor is None else floor))
    assert sampled.below_floor == ((captions >= 0) & ~open_to).sum()
    for row in range(30):
        taken = sampled.positions[row][sampled.positions[row] >= 0]
        assert len(taken) == min(labels_per_clip, open_to[row].sum())
        assert (np.diff(taken) > 0).all()
        assert open_to[row, taken].all()
        assert (sampled.positions[row, len(taken) :] == -1).all()
        assert np.isnan(sampled.p[row, len(taken) :]).all()
        weight = np.where(open_to[row], 1 / np.maximum(frequency[captions[row]], 1), 0)
        assert sampled.p[row, : len(taken)] == pytest.approx(weight[taken] / weight.sum(), rel=1e-6)


def test_another_seed_draws_other_labels() -> None:
    captions, scores = some(1, 2000, 6, 15)
    arguments = (ids(2000), captions, scores, count_candidates(captions, 15), ids(15, 9000), 2)
    assert (sample_labels(*arguments, seed=0).positions != sample_labels(*arguments, seed=1).positions).mean() > 0.3


def orders(weights: np.ndarray, draw: int) -> dict[frozenset[int], float]:
    """Probability of each set of `draw` candidates, by going through every order of drawing."""
    chances: dict[frozenset[int], float] = {}
    for order in permutations(range(len(weights)), draw):
        left, chance = weights.sum(), 1.0
        for i in order:
            chance *= weights[i] / left
            left -= weights[i]
        chances[frozenset(order)] = chances.get(frozenset(order), 0.0) + chance
    return chances


@pytest.mark.parametrize("draw", [1, 2, 3, 4])
def test_inclusion_probability_is_the_sum_over_all_orders(draw: int) -> None:
    frequency = np.array([1, 3, 3, 40, 1000, 7])
    chances = orders(1 / frequency, draw)
    expected = [sum(chance for drawn, chance in chances.items() if i in drawn) for i in range(6)]
    assert inclusion_probability(frequency, draw) == pytest.approx(expected, rel=1e-12)


def test_inclusion_probability_in_closed_form() -> None:
    frequency = np.array([2, 5, 9, 1_000_000])
    first = (1 / frequency) / (1 / frequency).sum()
    assert inclusion_probability(frequency, 1) == pytest.approx(first, rel=1e-12)
    second = [first[i] * (1 + sum(first[j] / (1 - first[j]) for j in range(4) if j != i)) for i in range(4)]
    assert inclusion_probability(frequency, 2) == pytest.approx(second, rel=1e-9)
    assert inclusion_probability(frequency, 4) == pytest.approx(np.ones(4))
    assert inclusion_probability(frequency, 7) == pytest.approx(np.ones(4))
    assert inclusion_probability(np.full(10, 17), 3) == pytest.approx(np.full(10, 0.3))
    assert inclusion_probability(np.arange(1, 21), 6).sum() == pytest.approx(6)
    for wrong in ([1, 0], [1, -1], np.ones(21)):
        with pytest.raises(ValueError, match="at most 20 positive"), np.errstate(divide="ignore"):
            inclusion_probability(wrong, 1)


def test_each_set_is_drawn_as_often_as_the_closed_form_says() -> None:
    """Chi-square over the 20 sets of 3 of 6 candidates: 19 degrees of freedom, 99.9 % below 43.8."""
    clips = 100_000
    frequency = np.array([1, 3, 3, 40, 100, 7])
    captions = np.tile(np.arange(6, dtype=np.int32), (clips, 1))
    sampled = sample_labels(ids(clips), captions, np.zeros((clips, 6), np.float32), frequency, ids(6, 10**7), 3, seed=5)
    chances = orders(1 / frequency, 3)
    seen = np.bincount((1 << sampled.positions.astype(np.int64)).sum(1), minlength=64)
    deviation = 0.0
    for drawn in combinations(range(6), 3):
        expected = clips * chances[frozenset(drawn)]
        deviation += (seen[sum(1 << i for i in drawn)] - expected) ** 2 / expected
    assert deviation < 43.8
    inclusion = np.bincount(sampled.positions.reshape(-1), minlength=6) / clips
    expected_inclusion = inclusion_probability(frequency, 3)
    error = np.sqrt(expected_inclusion * (1 - expected_inclusion) / clips)
    assert (np.abs(inclusion - expected_inclusion) < 4 * error).all()


def test_floor_leaves_out_what_scores_below_it() -> None:
    captions = np.array([[0, 1, 2], [3, 1, -1]], np.int32)
    scores = np.array([[0.5, 0.3, 0.1], [0.2, np.nan, np.nan]], np.float32)
    sampled = sample_labels(ids(2), captions, scores, np.array([1, 2, 1, 1]), ids(4), 3, seed=0, floor=0.3)
    assert sampled.positions.tolist() == [[0, 1, -1], [-1, -1, -1]]
    assert sampled.p[0, :2] == pytest.approx([2 / 3, 1 / 3])
    assert sampled.below_floor == 3


def test_bad_input_is_named() -> None:
    captions, scores = np.array([[0, 1]], np.int32), np.zeros((1, 2), np.float32)
    with pytest.raises(ValueError, match="frequency 0"):
        sample_labels(ids(1), captions, scores, np.array([1, 0]), ids(2), 1, 0)
    with pytest.raises(ValueError, match="labels_per_clip is 0"):
        sample_labels(ids(1), captions, scores, np.array([1, 1]), ids(2), 0, 0)
    with pytest.raises(ValueError, match="differ in length"):
        sample_labels(ids(2), captions, scores, np.array([1, 1]), ids(2), 1, 0)


def test_no_clips_and_no_candidates_are_no_labels() -> None:
    empty = sample_labels(ids(0), np.zeros((0, 3), np.int32), np.zeros((0, 3), np.float32), np.ones(5, np.int64), ids(5), 2, 0)
    assert empty.positions.shape == (0, 2)
    bare = sample_labels(ids(2), np.full((2, 3), -1, np.int32), np.full((2, 3), np.nan, np.float32), np.zeros(5, np.int64), ids(5), 2, 0)
    assert (bare.positions == -1).all()
    assert np.isnan(bare.p).all()
