"""Splits of a pool: of two halves of one set p is uniform, of two different sets it is as small as it can be."""

import numpy as np
import pytest
from scipy.stats import kstest

from noise2music.evaluation.statistics.clip_rows import ClipRows
from noise2music.evaluation.statistics.frechet import frechet_distance, gaussian_of
from noise2music.evaluation.statistics.permutation import Null, null_of, splits
from noise2music.evaluation.statistics.subsets import part_distances
from tests.evaluation.statistics.made_up import clustered


def null(first: ClipRows, second: ClipRows, draws: int, seed: int = 0) -> Null:
    observed = frechet_distance(gaussian_of(first.rows), gaussian_of(second.rows))
    found = null_of(observed, part_distances(first, second, splits(first.keys, second.keys, draws, seed)))
    assert found is not None
    return found


def test_p_of_two_halves_of_one_set_is_uniform() -> None:
    random = np.random.default_rng(1)
    drawn = [null(*(clustered(random, 12, 2, np.ones(4)) for _ in range(2)), draws=49).p for _ in range(200)]
    assert kstest(np.array(drawn) - random.uniform(0, 0.02, 200), "uniform").pvalue > 0.01


def test_p_of_pairs_that_are_alike_is_uniform_too() -> None:
    """Sets of pairs are nearer than sets of strangers: splits that tear pairs apart would give p near 1."""
    random = np.random.default_rng(2)
    drawn = []
    for _ in range(200):
        common = clustered(random, 12, 2, 3 * np.ones(3))
        pair = [ClipRows(common.keys, common.rows + clustered(random, 12, 2, np.ones(3)).rows, common.counts) for _ in range(2)]
        drawn.append(null(*pair, draws=49).p)
    assert kstest(np.array(drawn) - random.uniform(0, 0.02, 200), "uniform").pvalue > 0.01


def test_a_difference_is_found() -> None:
    random = np.random.default_rng(12)
    found = null(clustered(random, 20, 3, np.ones(6)), clustered(random, 30, 3, np.ones(6), shift=2.0), draws=39)
    assert found.p == 1 / 40
    same = clustered(random, 20, 3, np.ones(6))
    assert null(same, same, draws=39).p == 1.0


@pytest.mark.parametrize(("frames", "dimension"), [(1, 30), (3, 10), (40, 12)])
def test_splits_are_what_they_would_be_alone(frames: int, dimension: int) -> None:
    random = np.random.default_rng(13)
    first, second = clustered(random, 6, frames, np.ones(dimension), name="a"), clustered(random, 9, frames, np.ones(dimension), name="b")
    rows = np.concatenate([first.rows, second.rows])
    of_clip = np.concatenate([first.clip_of_row, second.clip_of_row + 6])
    drawn = splits(first.keys, second.keys, 5)
    drawn.append((np.array([0, 1, 8]), np.array([3, 7, 10, 14])))
    alone = [frechet_distance(*(gaussian_of(rows[np.isin(of_clip, clips)]) for clips in part)) for part in drawn]
    assert part_distances(first, second, drawn) == pytest.approx(alone, rel=1e-5)


def test_splits_are_a_function_of_keys_and_seed() -> None:
    first, second = [f"a{place}" for place in range(7)], [f"b{place}" for place in range(5)]
    drawn = splits(first, second, 20)
    assert all((len(part[0]), sorted(np.concatenate(part))) == (7, list(range(12))) for part in drawn)
    assert str(splits(first, second, 20)) == str(drawn)
    assert str(splits(first, second, 20, seed=1)) != str(drawn)
    often = np.bincount(np.concatenate([part[0] for part in splits(first, second, 2000)]), minlength=12) / 2000
    assert often == pytest.approx(7 / 12, abs=0.05)
    assert null_of(1.0, np.zeros(0)) is None


def test_pairs_change_places() -> None:
    first, second = ["a", "b", "x"], ["b", "a", "y", "z"]
    drawn = splits(first, second, 200)
    for left, right in drawn:
        assert {0, 4} - set(left.tolist()) - set(right.tolist()) == set()
        assert len({0, 4} & set(left.tolist())) == len({1, 3} & set(left.tolist())) == 1
        assert sorted([*left, *right]) == list(range(7))
        assert len(left) == 3
    assert len({tuple(left.tolist()) for left, _ in drawn}) == 2 * 2 * 3
