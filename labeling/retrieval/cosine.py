"""Cosines as whole millionths: the same number on any machine, in any batch, with any number of threads.

A product of two float32 fits a float64 exactly, so only the order of summation changes a cosine, by at most about d x 2^-53. Rounding to
six digits hides that, except next to a rounding boundary, where the sum is repeated in a fixed order.
"""

import numpy as np
import numpy.typing as npt

from noise2music.core.arrays import Float32s, Float64s, Int64s

MILLION = 1_000_000
LENGTH_TOLERANCE = 1e-3
_BLOCK = 1 << 17


def normalise(vectors: npt.NDArray[np.floating]) -> Float32s:
    """(N, d) floats -> (N, d) float32 of unit length, row by row. Raises ValueError for a row that is zero, NaN or infinite."""
    unit = np.empty(vectors.shape, np.float32)
    step = max(1, _BLOCK // max(1, vectors.shape[1]))
    for start in range(0, len(vectors), step):
        block = vectors[start : start + step].astype(np.float64)
        length = np.sqrt(_fixed_sum(block * block))
        wrong = np.flatnonzero(~(np.isfinite(length) & (length > 0)))
        if wrong.size:
            raise ValueError(f"row {start + wrong[0]} has length {length[wrong[0]]} and no direction")
        unit[start : start + step] = block / length[:, None]
    return unit


def check_unit(vectors: Float32s, what: str) -> None:
    """Raises ValueError unless `vectors` is (N, d) float32 with finite rows of unit length (to 1e-3); `what` names them in the message."""
    if vectors.ndim != 2 or vectors.dtype != np.float32:
        raise ValueError(f"{what}: expected a float32 matrix, got {vectors.dtype} of shape {vectors.shape}")
    step = max(1, _BLOCK // max(1, vectors.shape[1]))
    for start in range(0, len(vectors), step):
        block = vectors[start : start + step]
        length = np.sqrt(np.einsum("nd,nd->n", block, block))
        wrong = np.flatnonzero(~(np.abs(length - 1) <= LENGTH_TOLERANCE))
        if wrong.size:
            raise ValueError(f"{what}: row {start + wrong[0]} has length {length[wrong[0]]:.4g}, not 1; normalise first")


def millionths(left: Float32s, left_rows: Int64s, right: Float32s, right_rows: Int64s) -> Int64s:
    """Inner products of unit vectors in whole millionths.

    left (L, d), left_rows (n, A), right (R, d), right_rows (n, B) -> (n, A, B): entry (i, a, b) is
    round(10^6 x left[left_rows[i, a]] . right[right_rows[i, b]]).
    """
    (count, height), width, dim = left_rows.shape, right_rows.shape[1], left.shape[1]
    rounded = np.empty((count, height, width), np.int64)
    doubt = (dim + 16) * 2.0**-51 * MILLION
    columns = max(1, min(width, _BLOCK // dim))
    step = max(1, _BLOCK // ((height + columns) * dim))
    for start in range(0, count, step):
        rows = slice(start, start + step)
        a = left[left_rows[rows]].astype(np.float64)
        for first in range(0, width, columns):
            cols = slice(first, first + columns)
            b = right[right_rows[rows, cols]].astype(np.float64)
            scaled = np.matmul(a, b.transpose(0, 2, 1)) * MILLION
            near = np.abs(scaled - np.floor(scaled) - 0.5) < doubt
            if near.any():
                i, j, k = np.nonzero(near)
                scaled[near] = _fixed_products(a, b, i, j, k) * MILLION
            rounded[rows, :, cols] = np.rint(scaled)
    return rounded


def _fixed_products(a: Float64s, b: Float64s, i: Int64s, j: Int64s, k: Int64s) -> Float64s:
    """a[i, j] . b[i, k] for each (i, j, k), summed in the fixed order, a few at a time."""
    sums = np.empty(len(i), np.float64)
    step = max(1, _BLOCK // a.shape[2])
    for start in range(0, len(i), step):
        few = slice(start, start + step)
        sums[few] = _fixed_sum(a[i[few], j[few]] * b[i[few], k[few]])
    return sums


def _fixed_sum(values: Float64s) -> Float64s:
    """Sum over the last axis by halving. It uses elementwise additions only, so no library chooses the order."""
    while (width := values.shape[-1]) > 1:
        half = width // 2
        rest = values[..., 2 * half :]
        values = values[..., :half] + values[..., half : 2 * half]
        if rest.shape[-1]:
            values[..., :1] += rest
    return values[..., 0]
