"""The kernel distance: a direct sum, no bias by the number of clips, and one bandwidth whatever is compared."""

import numpy as np
import pytest

from noise2music.evaluation.statistics import kernel
from noise2music.evaluation.statistics.clip_rows import ClipRows
from noise2music.evaluation.statistics.kernel import kernel_distance, median_bandwidth
from tests.evaluation.statistics.made_up import clustered

SCALE = np.ones(6)


def directly(first: ClipRows, second: ClipRows, bandwidth: float) -> float:
    def mean(one: ClipRows, other: ClipRows) -> float:
        squares = np.square(one.rows[:, None].astype(np.float64) - other.rows[None]).sum(axis=2)
        apart = one.clip_of_row[:, None] != other.clip_of_row[None] if one is other else np.full(squares.shape, True)
        return float(np.exp(-squares / (2 * bandwidth**2))[apart].mean())

    return 100 * (mean(first, first) + mean(second, second) - 2 * mean(first, second))


def test_the_sum_over_pairs_of_frames_of_different_clips() -> None:
    random = np.random.default_rng(1)
    clips, reference = clustered(random, 7, 3, SCALE), clustered(random, 9, 2, SCALE, 0.7)
    found = kernel_distance(clips, reference, 19)
    assert found is not None
    squares = np.square(reference.rows[:, None].astype(np.float64) - reference.rows[None]).sum(axis=2)
    apart = reference.clip_of_row[:, None] < reference.clip_of_row[None]
    assert found.bandwidth == pytest.approx(np.median(np.sqrt(squares)[apart]), rel=1e-6)
    assert found.estimate.value == pytest.approx(directly(clips, reference, found.bandwidth), rel=1e-6)


def test_no_bias_and_a_null_around_zero() -> None:
    random = np.random.default_rng(2)
    drawn = [kernel_distance(clustered(random, 10, 4, SCALE), clustered(random, 12, 4, SCALE), 0) for _ in range(150)]
    values = [found.estimate.value for found in drawn if found is not None]
    assert abs(np.mean(values)) < 3 * np.std(values) / np.sqrt(150)
    found = kernel_distance(clustered(random, 10, 4, SCALE), clustered(random, 12, 4, SCALE, 2.0), 99)
    assert found is not None
    assert found.null is not None
    assert found.null.p == 0.01
    assert abs(found.null.mean) < 1


def test_the_bandwidth_is_of_the_reference_alone() -> None:
    random = np.random.default_rng(3)
    reference = clustered(random, 12, 2, SCALE)
    found = [kernel_distance(clustered(random, 8, 2, spread * SCALE), reference, 0) for spread in (0.1, 1, 10)]
    assert {item.bandwidth for item in found if item} == {median_bandwidth(reference)}


def test_large_sets_are_thinned_the_same_way_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(4)
    clips, reference = clustered(random, 40, 10, SCALE), clustered(random, 45, 10, SCALE, 1.0)
    whole = kernel_distance(clips, reference, 0)
    for most in (90, 30):
        monkeypatch.setattr(kernel, "MOST_ROWS", most)
        thinned = [kernel_distance(clips, reference, 0) for _ in range(2)]
        assert thinned[0] == thinned[1]
        assert thinned[0] is not None
        assert whole is not None
        assert thinned[0].estimate.value == pytest.approx(whole.estimate.value, rel=0.5)


def test_nothing_is_said_of_a_single_clip_or_point() -> None:
    random = np.random.default_rng(5)
    many = clustered(random, 5, 2, SCALE)
    assert kernel_distance(many.take([0]), many, 0) is None
    assert kernel_distance(many, many.take([0]), 0) is None
    point = ClipRows(("a", "b"), np.ones((2, 6), np.float32), np.array([1, 1]))
    assert kernel_distance(many, point, 0) is None
