"""Cosines of pairs beside those of strangers."""

import numpy as np
import pytest
from scipy.stats import binomtest

from noise2music.core.arrays import Float32s
from noise2music.evaluation.statistics.similarity import pair_similarity, share_estimate, strangers_mean, top_shares


def units(random: np.random.Generator, count: int, dimension: int = 16) -> Float32s:
    rows = random.standard_normal((count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def test_pairs_are_above_strangers() -> None:
    random = np.random.default_rng(1)
    targets = units(random, 50)
    near = targets + 0.15 * units(random, 50)
    clips = (near / np.linalg.norm(near, axis=1, keepdims=True)).astype(np.float32)
    found = pair_similarity(clips, targets, 99)
    assert found.null is not None
    assert found.own.low is not None
    assert found.own.low > found.null.high > found.null.mean
    assert found.null.p == 0.01
    assert found.top[1].value == 1.0
    assert found.top[5].value == 1.0


def test_the_null_is_the_mean_over_all_strangers() -> None:
    random = np.random.default_rng(2)
    clips, targets = units(random, 30), units(random, 30)
    found = pair_similarity(clips, targets, 400)
    cosines = targets.astype(np.float64) @ clips.astype(np.float64).T
    strangers = cosines[~np.eye(30, dtype=bool)]
    assert found.null is not None
    assert found.null.mean == pytest.approx(strangers.mean(), abs=1e-12)
    assert strangers_mean(clips, targets) == pytest.approx(strangers.mean(), abs=1e-12)
    assert found.null.p > 0.01
    assert found.own.low is not None
    assert found.own.high is not None
    assert found.own.low < strangers.mean() < found.own.high


def test_ranks_count_ties_half() -> None:
    cosines = np.array([[0.9, 0.1, 0.2], [0.9, 0.1, 0.2], [0.5, 0.5, 0.5]])
    assert top_shares(cosines)[1].value == pytest.approx(1 / 3)
    assert top_shares(np.eye(6))[5].value == 1.0
    assert list(top_shares(np.eye(4))) == [1]
    assert top_shares(np.eye(1)) == {}


def test_wilson() -> None:
    found = share_estimate(8, 10)
    assert (found.low, found.high) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    assert share_estimate(0, 5).low == 0
    for hits in range(12):
        oracle = binomtest(hits, 11).proportion_ci(0.95, "wilson")
        assert (share_estimate(hits, 11).low, share_estimate(hits, 11).high) == pytest.approx((oracle.low, oracle.high), abs=1e-12)


def test_what_are_no_pairs_is_refused() -> None:
    random = np.random.default_rng(3)
    with pytest.raises(ValueError, match="no pairs"):
        pair_similarity(units(random, 3), units(random, 4), 0)
    with pytest.raises(ValueError, match="unit vectors"):
        pair_similarity(units(random, 3) * 2, units(random, 3), 0)
    alone = pair_similarity(units(random, 1), units(random, 1), 9)
    assert (alone.null, alone.top, alone.own.error) == (None, {}, None)
    assert strangers_mean(units(random, 1), units(random, 1)) is None
