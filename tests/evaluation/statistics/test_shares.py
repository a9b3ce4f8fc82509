"""Shares of a distance: they add up to it, and the clip that is out of place has most of it."""

import numpy as np
import pytest

from noise2music.evaluation.statistics.clip_rows import ClipRows, clip_rows
from noise2music.evaluation.statistics.frechet import frechet_distance, gaussian_of
from noise2music.evaluation.statistics.shares import clip_shares
from tests.evaluation.statistics.made_up import clustered, diagonal


@pytest.mark.parametrize(("clips", "frames", "dimension", "others"), [(30, 4, 10, 50), (4, 3, 20, 50), (4, 3, 20, 5), (30, 4, 20, 3)])
def test_the_mean_share_is_the_distance(clips: int, frames: int, dimension: int, others: int) -> None:
    random = np.random.default_rng(1)
    ours = clustered(random, clips, frames, np.linspace(0.5, 2, dimension), 0.4)
    reference = gaussian_of(clustered(random, others, 1, np.ones(dimension)).rows)
    shares = clip_shares(ours, reference)
    wanted = frechet_distance(gaussian_of(ours.rows), reference)
    assert float((shares * ours.counts).sum() / ours.counts.sum()) == pytest.approx(wanted, rel=1e-6)
    assert (shares >= 0).all()


def test_clips_of_unlike_lengths() -> None:
    random = np.random.default_rng(2)
    ours = clip_rows([(f"c{place}", random.standard_normal((place + 1, 3)).astype(np.float32)) for place in range(9)])
    shares = clip_shares(ours, diagonal(np.array([1.0, 2, 3])))
    wanted = frechet_distance(gaussian_of(ours.rows), diagonal(np.array([1.0, 2, 3])))
    assert float((shares * ours.counts).sum() / ours.counts.sum()) == pytest.approx(wanted, rel=1e-6)


def test_of_diagonals_in_closed_form() -> None:
    """The map of x to m2 + s2 / s1 (x - m1)."""
    random = np.random.default_rng(3)
    ours = clustered(random, 200, 1, np.array([2.0]))
    found = gaussian_of(ours.rows)
    deviation = (ours.rows[:, 0] - found.mean[0]) * np.sqrt(200 / 199)
    wanted = np.square(deviation + found.mean[0] - 5 - 0.5 * deviation / np.sqrt(found.trace))
    assert clip_shares(ours, diagonal(np.array([0.5]), 5)) == pytest.approx(wanted, rel=1e-6)


def test_the_clip_out_of_place_has_most() -> None:
    random = np.random.default_rng(4)
    ours = clustered(random, 40, 3, np.ones(5))
    rows = ours.rows.copy()
    rows[51:54] += 6
    odd = ClipRows(ours.keys, rows, ours.counts)
    assert int(np.argmax(clip_shares(odd, diagonal(np.ones(5))))) == 17
    one = clip_shares(ours.take([3]), diagonal(np.ones(5)))
    assert one.shape == (1,)
