"""The Frechet distance: closed forms, symmetries, sets of deficient rank, and what scipy says at full rank."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from noise2music.evaluation.statistics.frechet import (
    Gaussian,
    frechet_distance,
    gaussian_from,
    gaussian_of,
    nuclear_norm,
    squared_shift,
    trace_root,
)
from tests.evaluation.statistics.made_up import diagonal, gaussian_rows

RANDOM = np.random.default_rng(20230208)


def by_scipy(first: Gaussian, second: Gaussian) -> float:
    root = sqrtm(first.covariance @ second.covariance)
    return float(squared_shift(first, second) + np.trace(first.covariance + second.covariance - 2 * np.real(root)))


def test_one_dimension_and_diagonals_in_closed_form() -> None:
    assert frechet_distance(diagonal(np.array([2.0]), 1), diagonal(np.array([0.5]), -3)) == pytest.approx(16 + 2.25, rel=1e-12)
    left, right = np.array([1.0, 2, 0, 0.1]), np.array([0.5, 2, 1, 0])
    wanted = np.square(left - right).sum() + 4 * 0.25
    assert frechet_distance(diagonal(left, 0.5), diagonal(right, 0)) == pytest.approx(wanted, rel=1e-12)


def test_matrices_that_commute() -> None:
    turn = np.linalg.qr(RANDOM.standard_normal((12, 12))).Q
    first, second = RANDOM.uniform(0.1, 3, 12), RANDOM.uniform(0.1, 3, 12)
    found = frechet_distance(
        gaussian_from(np.zeros(12), turn @ np.diag(first) @ turn.T), gaussian_from(np.zeros(12), turn @ np.diag(second) @ turn.T)
    )
    assert found == pytest.approx(np.square(np.sqrt(first) - np.sqrt(second)).sum(), rel=1e-10)


@pytest.mark.parametrize(("count", "dimension"), [(2, 40), (30, 40), (41, 40), (400, 40), (5000, 3)])
def test_no_distance_to_itself_and_symmetry(count: int, dimension: int) -> None:
    rows = gaussian_rows(RANDOM, count, dimension)
    first, second = gaussian_of(rows), gaussian_of(gaussian_rows(RANDOM, 57, dimension))
    assert 0 <= frechet_distance(first, first) <= 1e-9
    assert 0 <= frechet_distance(first, gaussian_from(first.mean, first.covariance)) <= 1e-6
    assert frechet_distance(first, second) == pytest.approx(frechet_distance(second, first), rel=1e-9)


@pytest.mark.parametrize("count", [20, 300])
def test_rotation_shift_and_scale(count: int) -> None:
    first, second = gaussian_rows(RANDOM, count, 24), gaussian_rows(RANDOM, 100, 24)
    turn, shift = np.linalg.qr(RANDOM.standard_normal((24, 24))).Q, RANDOM.standard_normal(24)
    plain = frechet_distance(gaussian_of(first), gaussian_of(second))
    assert frechet_distance(gaussian_of(first @ turn + shift), gaussian_of(second @ turn + shift)) == pytest.approx(plain, rel=1e-9)
    assert frechet_distance(gaussian_of(3 * first), gaussian_of(3 * second)) == pytest.approx(9 * plain, rel=1e-9)


def test_as_scipy_says_at_full_rank() -> None:
    first, second = (gaussian_of(gaussian_rows(RANDOM, 400, 48)) for _ in range(2))
    assert frechet_distance(first, second) == pytest.approx(by_scipy(first, second), rel=1e-9)
    product = np.linalg.eigvals(first.covariance @ second.covariance)
    wanted = squared_shift(first, second) + first.trace + second.trace - 2 * np.sqrt(product.real.clip(0)).sum()
    assert frechet_distance(first, second) == pytest.approx(wanted, rel=1e-9)


def test_fewer_rows_than_dimensions() -> None:
    first, second = (gaussian_of(gaussian_rows(RANDOM, count, 64)) for count in (10, 25))
    found = frechet_distance(first, second)
    assert found == pytest.approx(by_scipy(first, second), rel=1e-6)
    by_covariance = frechet_distance(gaussian_from(first.mean, first.covariance), gaussian_from(second.mean, second.covariance))
    assert found == pytest.approx(by_covariance, rel=1e-6)


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = gaussian_rows(RANDOM, 500, 20)
    whole = gaussian_of(rows)
    monkeypatch.setattr("noise2music.evaluation.statistics.frechet._BLOCK", 21)
    assert gaussian_of(rows).covariance == pytest.approx(whole.covariance, rel=1e-12)
    assert whole.covariance == pytest.approx(np.cov(rows, rowvar=False), rel=1e-12)


def test_dead_dimensions_and_one_row() -> None:
    rows = gaussian_rows(RANDOM, 100, 20)
    rows[:, 5:12] = 0
    dead = gaussian_of(rows)
    assert 0 <= frechet_distance(dead, dead) <= 1e-9
    one = gaussian_of(rows[:1])
    assert frechet_distance(one, dead) == pytest.approx(squared_shift(one, dead) + dead.trace, rel=1e-12)


def test_rank() -> None:
    assert diagonal(np.ones(7)).rank == pytest.approx(7)
    assert diagonal(np.array([1.0, 0, 0])).rank == pytest.approx(1)
    assert diagonal(np.zeros(3)).rank == 0


def test_the_fast_trace_is_the_exact_one() -> None:
    matrix = RANDOM.standard_normal((30, 50))
    assert trace_root(matrix @ matrix.T) == pytest.approx(nuclear_norm(matrix), rel=1e-10)


def test_what_is_no_statistics_is_refused() -> None:
    with pytest.raises(ValueError, match="not of one network"):
        frechet_distance(diagonal(np.ones(2)), diagonal(np.ones(3)))
    with pytest.raises(ValueError, match="NaN"):
        gaussian_of(np.full((3, 2), np.nan))
    with pytest.raises(ValueError, match="no rows"):
        gaussian_of(np.zeros((0, 2)))
    for covariance, said in (
        (np.eye(3), "do not belong"),
        (np.array([[1.0, 2], [0, 1]]), "not symmetric"),
        (-np.eye(2), "negative"),
        (np.full((2, 2), np.nan), "NaN"),
    ):
        with pytest.raises(ValueError, match=said):
            gaussian_from(np.zeros(2), covariance)
