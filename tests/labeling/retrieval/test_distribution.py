import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.labeling.retrieval.distribution import (
    Distribution,
    cdf_points,
    coverage,
    describe,
    entropy,
    gini,
    hub_share,
    normalised_entropy,
    skewness,
    top_share,
)

COUNTS = st.lists(st.integers(0, 10**9), min_size=1, max_size=60).map(lambda values: np.array(values, np.int64))


def test_even_use() -> None:
    assert describe(np.full(64, 7)) == Distribution(64, 448, pytest.approx(6.0), pytest.approx(1.0), pytest.approx(0.0), 1.0, 0.0, 1 / 64)


def test_one_caption_has_all_uses() -> None:
    counts = np.zeros(50, np.int64)
    counts[17] = 1000
    # A 0/1 variable with p = 1/50 has skewness (1 - 2p) / sqrt(p (1 - p)).
    skew = (1 - 2 / 50) / np.sqrt(0.02 * 0.98)
    assert describe(counts) == Distribution(50, 1000, 0.0, 0.0, pytest.approx(49 / 50), 1 / 50, pytest.approx(skew), 1.0)


def test_no_uses_and_no_captions_are_zeros() -> None:
    assert describe(np.zeros(5, np.int64)) == Distribution(5, 0, 0, 0, 0, 0, 0, 0)
    assert describe(np.zeros(0, np.int64)) == Distribution(0, 0, 0, 0, 0, 0, 0, 0)
    assert describe(np.array([3])) == Distribution(1, 3, 0, 0, 0, 1, 0, 1)
    assert [len(part) for part in cdf_points(np.zeros(5, np.int64))] == [0, 0]


def test_entropy_by_hand() -> None:
    assert entropy(np.array([4, 2, 1, 1, 0])) == pytest.approx(1.75)
    assert normalised_entropy(np.array([2, 2, 0, 0])) == pytest.approx(0.5)


def test_gini_of_a_ramp() -> None:
    """Counts 1..V: (V - 1) / (3 V)."""
    assert gini(np.random.default_rng(0).permutation(np.arange(1, 101))) == pytest.approx(99 / 300)


@given(COUNTS)
def test_gini_is_half_the_relative_mean_difference(counts: np.ndarray) -> None:
    if counts.sum():
        differences = np.abs(counts[:, None] - counts[None, :]).mean()
        assert gini(counts) == pytest.approx(differences / (2 * counts.mean()), abs=1e-9)


@given(COUNTS, st.integers(0, 2**32 - 1), st.integers(1, 5))
def test_figures_do_not_depend_on_order_or_on_scale(counts: np.ndarray, seed: int, factor: int) -> None:
    a, b = describe(counts), describe(factor * np.random.default_rng(seed).permutation(counts))
    for field in ("entropy", "normalised_entropy", "gini", "coverage", "skewness", "hub_share"):
        assert getattr(a, field) == pytest.approx(getattr(b, field), abs=1e-9)


@given(COUNTS, st.integers(2, 100))
def test_curve_rises_to_one_through_the_top_shares(counts: np.ndarray, points: int) -> None:
    ranks, shares = cdf_points(counts, points)
    if counts.sum():
        assert ranks[0] == 1
        assert ranks[-1] == len(counts)
        assert len(ranks) <= points
        assert (np.diff(ranks) > 0).all()
        assert shares == pytest.approx([top_share(counts, int(rank)) for rank in ranks])
        assert shares[-1] == pytest.approx(1)


def test_shares_of_the_top() -> None:
    counts = np.array([1, 5, 0, 4])
    assert [top_share(counts, n) for n in (0, 1, 2, 3, 4, 9)] == pytest.approx([0, 0.5, 0.9, 1, 1, 1])
    assert coverage(counts) == 0.75
    many = np.ones(700, np.int64)
    many[3] = 301
    assert hub_share(many) == pytest.approx(307 / 1000)
    assert hub_share(counts) == 0.5


def test_skewness_by_hand_and_of_symmetric_counts() -> None:
    assert skewness(np.array([1, 2, 3])) == pytest.approx(0)
    # 0, 0, 3: mean 1, second moment 2, third moment 2.
    assert skewness(np.array([0, 0, 3])) == pytest.approx(2 / 2**1.5)
