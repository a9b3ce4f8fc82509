"""The bias of a Frechet distance is b / n in closed form; over clips the jackknife takes it away and its intervals hold the truth."""

import numpy as np
import pytest

from noise2music.evaluation.statistics.clip_rows import ClipRows, effective_rows, hash_groups, joint_groups
from noise2music.evaluation.statistics.frechet import frechet_distance, gaussian_of
from noise2music.evaluation.statistics.jackknife import Estimate, frechet_estimate, jackknife, leave_out, mean_estimate
from noise2music.evaluation.statistics.subsets import subset_distances
from tests.evaluation.statistics.made_up import clustered, diagonal

SCALE = np.linspace(0.8, 1.5, 12)
TRUTH = float(np.square(SCALE - 1).sum() + 12 * 0.15**2)


def bias_of(variances: np.ndarray[tuple[int], np.dtype[np.float64]]) -> float:
    """b of n E[FAD_n] -> b for one Gaussian and an exact reference: 3/2 sum l + 1/2 sum over i != j of l_i l_j / (l_i + l_j)."""
    pairs = np.outer(variances, variances) / np.add.outer(variances, variances)
    return float(1.5 * variances.sum() + 0.5 * (pairs.sum() - np.trace(pairs)))


def test_the_bias_is_the_known_one() -> None:
    """evaluation.md test 4: n FAD / b within 3 % at n = 16 d, the first order alone being 2.3 % short of it at d = 32."""
    random = np.random.default_rng(3)
    dimension = 32
    for variances in (np.ones(dimension), 1 / np.arange(1, dimension + 1)):
        scale, count = np.sqrt(variances), 16 * dimension
        reference = diagonal(scale)
        drawn = [frechet_distance(gaussian_of(random.standard_normal((count, dimension)) * scale), reference) for _ in range(120)]
        assert count * np.mean(drawn) == pytest.approx(bias_of(variances), rel=0.03)
    assert bias_of(np.ones(dimension)) == pytest.approx(dimension**2 / 4 + 5 * dimension / 4)


def test_correction_over_clustered_frames() -> None:
    """300 clips of 10 frames, rho .8: no distance, yet the raw figure is far from none; the corrected one is within three errors."""
    scale = np.ones(16)
    clips = clustered(np.random.default_rng(1), 300, 10, scale)
    found = frechet_estimate(clips, diagonal(scale))
    assert found.corrected is not None
    assert found.error is not None
    assert found.value > 5 * found.error
    assert abs(found.corrected) < 3 * found.error
    assert effective_rows(clips) == pytest.approx(300 * 10 / (1 + 9 * 0.8), rel=0.1)


@pytest.mark.parametrize("is_exact", [True, False])
def test_intervals_hold_the_truth(is_exact: bool) -> None:
    """Over clustered simulations, of a reference that is known and of one that is drawn too."""
    random = np.random.default_rng(5)
    held, corrected, errors = 0, [], []
    draws = 200
    for _ in range(draws):
        clips = clustered(random, 100, 4, SCALE, 0.15)
        found = frechet_estimate(clips, diagonal(np.ones(12)) if is_exact else clustered(random, 120, 4, np.ones(12)))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= TRUTH <= found.high
        corrected.append(found.corrected or 0.0)
        errors.append(found.error or 0.0)
    assert 0.92 <= held / draws <= 0.98
    assert abs(np.mean(corrected) - TRUTH) < 3 * np.std(corrected) / np.sqrt(draws) + 0.02
    assert np.mean(errors) == pytest.approx(np.std(corrected), rel=0.25)


@pytest.mark.parametrize(("clips", "frames", "dimension"), [(8, 2, 40), (8, 6, 40), (8, 20, 40), (30, 1, 5)])
def test_subsets_are_what_they_would_be_alone(clips: int, frames: int, dimension: int) -> None:
    random = np.random.default_rng(7)
    ours = clustered(random, clips, frames, np.ones(dimension))
    for other_count in (3, 200):
        other = gaussian_of(clustered(random, other_count, 1, np.ones(dimension)).rows)
        subsets = [*leave_out(hash_groups(ours.keys, 4)), np.arange(3), np.arange(1)]
        alone = [frechet_distance(gaussian_of(ours.take(subset).rows), other) for subset in subsets]
        assert subset_distances(ours, subsets, other) == pytest.approx(alone, rel=1e-5, abs=1e-5)


def test_groups_are_a_function_of_the_keys() -> None:
    keys = [f"k{place}" for place in range(47)]
    groups = dict(zip(keys, hash_groups(keys, 10), strict=True))
    turned = keys[::-1]
    assert dict(zip(turned, hash_groups(turned, 10), strict=True)) == groups
    assert sorted(np.bincount(list(groups.values()))) == [4, 4, 4, *[5] * 7]


def test_too_few_clips_say_nothing() -> None:
    clips = clustered(np.random.default_rng(2), 2, 5, np.ones(3))
    assert frechet_estimate(clips, diagonal(np.ones(3))) == Estimate(frechet_distance(gaussian_of(clips.rows), diagonal(np.ones(3))))
    one = ClipRows(("a",), clips.rows[:1], np.array([1]))
    assert frechet_estimate(one, diagonal(np.ones(3))).corrected is None


def test_of_a_mean_it_is_students_interval() -> None:
    values = np.random.default_rng(4).standard_normal(40)
    left = np.array([values[np.arange(40) != place].mean() for place in range(40)])
    found, wanted = jackknife(float(values.mean()), left), mean_estimate(values)
    assert (found.corrected, found.error, found.low) == pytest.approx((wanted.corrected, wanted.error, wanted.low))


def test_pairs_are_left_out_together() -> None:
    first, second = [f"k{place}" for place in range(23)], [*(f"k{place}" for place in range(9, 40)), "x"]
    ours, theirs = joint_groups(first, second, 10)
    groups = dict(zip(first, ours, strict=True))
    assert all(group == groups[key] for key, group in zip(second, theirs, strict=True) if key in groups)
    for side in (ours, theirs):
        sizes = np.bincount(side, minlength=10)
        assert sizes.max() - sizes.min() <= 1
    assert max(joint_groups(first, second[:4], 10)[0]) == 3


def test_pairs_that_are_alike() -> None:
    """The reference is the set itself, with a little noise: nothing is left to correct, and the error is small."""
    random = np.random.default_rng(8)
    clips = clustered(random, 60, 3, np.ones(8))
    near = ClipRows(clips.keys, clips.rows + 0.01 * random.standard_normal(clips.rows.shape).astype(np.float32), clips.counts)
    found = frechet_estimate(clips, near)
    apart = frechet_estimate(clips, ClipRows(tuple(f"other {key}" for key in near.keys), near.rows, near.counts))
    assert found.corrected is not None
    assert apart.corrected is not None
    assert abs(found.corrected) < 0.01
    assert apart.corrected < -0.1
