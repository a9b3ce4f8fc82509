import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.labeling.retrieval.cosine import MILLION, check_unit, millionths, normalise


def near_boundaries(count: int, dim: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """One vector and `count` others whose exact inner products with it lie within 1e-16 of a rounding boundary (k + 1/2) x 10^-6."""
    rng = np.random.default_rng(seed)
    left = np.append(normalise(rng.standard_normal((1, dim)))[0] / 2, np.float32([2.0**-20, 2.0**-40]))
    right = np.zeros((count, dim + 2), np.float32)
    right[:, :dim] = normalise(rng.standard_normal((count, dim))) / 2
    for row in right:
        for place in (dim, dim + 1):
            product = math.fsum(float(a) * float(b) for a, b in zip(left, row, strict=True))
            boundary = (math.floor(product * MILLION) + 0.5) / MILLION
            row[place] = (boundary - product) / float(left[place])
    return left[None], right


@settings(deadline=None, max_examples=30)
@given(seed=st.integers(0, 2**32 - 1), dim=st.integers(1, 130), width=st.integers(1, 40))
def test_millionths_are_the_rounded_exact_products(seed: int, dim: int, width: int) -> None:
    rng = np.random.default_rng(seed)
    left, right = normalise(rng.standard_normal((3, dim))), normalise(rng.standard_normal((width, dim)))
    got = millionths(left, np.arange(3)[:, None], right, np.tile(np.arange(width), (3, 1)))[:, 0]
    for i in range(3):
        for j in range(width):
            exact = MILLION * math.fsum(float(a) * float(b) for a, b in zip(left[i], right[j], strict=True))
            assert abs(got[i, j] - exact) <= 0.5 + 1e-6


def test_products_next_to_a_boundary_round_alike_in_any_batch_and_either_way_round() -> None:
    left, right = near_boundaries(300, 254, seed=1)
    every = np.arange(len(right))
    together = millionths(left, np.zeros((1, 1), np.int64), right, every[None])[0, 0]
    alone = [millionths(left, np.zeros((1, 1), np.int64), right, every[i : i + 1, None])[0, 0, 0] for i in every]
    swapped = millionths(right, every[None], left, np.zeros((1, 1), np.int64))[0, :, 0]
    crossed = millionths(right, every[None, :40], np.vstack([left, right]), np.arange(40)[None])[0, :, 0]
    assert together.tolist() == alone == swapped.tolist()
    assert crossed.tolist() == alone[:40]


def test_boundary_itself_goes_to_the_even_millionth() -> None:
    left = np.eye(1, 8, dtype=np.float32)
    right = np.zeros((2, 8), np.float32)
    right[:, 0] = 1 / 128, 3 / 128
    assert millionths(left, np.zeros((1, 1), np.int64), right, np.array([[0, 1]])).tolist() == [[[7812, 23438]]]


def test_normalise_gives_unit_rows_whatever_the_batch() -> None:
    vectors = np.random.default_rng(0).standard_normal((700, 513)).astype(np.float16)
    unit = normalise(vectors)
    check_unit(unit, "vectors")
    assert np.array_equal(unit, np.vstack([normalise(vectors[i : i + 1]) for i in range(len(vectors))]))
    assert np.allclose(unit, vectors / np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True), atol=1e-7)


@pytest.mark.parametrize("value", [0.0, np.nan, np.inf])
def test_rows_without_direction_are_refused_by_number(value: float) -> None:
    vectors = np.eye(600, 300, dtype=np.float32) + np.eye(600, 300, k=-300, dtype=np.float32)
    vectors[450] = value
    with pytest.raises(ValueError, match="row 450"):
        normalise(vectors)
    with pytest.raises(ValueError, match="clips: row 450"):
        check_unit(vectors, "clips")


def test_unit_check_refuses_other_types_and_lengths() -> None:
    with pytest.raises(ValueError, match="float64"):
        check_unit(np.eye(3), "clips")
    with pytest.raises(ValueError, match="length 2, not 1"):
        check_unit(2 * np.eye(3, dtype=np.float32), "clips")
