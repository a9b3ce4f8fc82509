"""The Frechet distance of two Gaussians in float64, in a form that cannot be negative, complex or NaN.

|m1 - m2|^2 + tr S1 + tr S2 - 2 tr (S1 S2)^(1/2) (Dowson and Landau 1982; of embeddings: Kilgour et al. 2019, "Frechet audio distance").
With thin factors R, R^T R = S, the last trace is the nuclear norm of R1 R2^T: no root of a matrix is taken, and fewer rows than
dimensions need no care. The factor of few rows is the centred rows themselves; of many it is a triangle from QR, block by block.
"""

from dataclasses import dataclass

import numpy as np
import torch

from noise2music.core.arrays import Float32s, Float64s
from noise2music.core.device import one_thread

_BLOCK = 2048


@dataclass(frozen=True)
class Gaussian:
    """Statistics of a set. mean: (d,). factor: (r, d) with factor^T factor = covariance, by n - 1. rows: n, 0 where nobody says."""

    mean: Float64s
    factor: Float64s
    rows: int

    @property
    def dimension(self) -> int:
        """Of a row."""
        return len(self.mean)

    @property
    def trace(self) -> float:
        """Of the covariance."""
        return float(np.square(self.factor).sum())

    @property
    def covariance(self) -> Float64s:
        """(d, d)."""
        return product(self.factor.T, self.factor)

    @property
    def rank(self) -> float:
        """Over how many directions the variance is spread: (sum of eigenvalues)^2 / sum of their squares; 0 where there is none."""
        gram = product(self.factor, self.factor.T) if len(self.factor) < self.dimension else self.covariance
        squares = float(np.square(gram).sum())
        return self.trace**2 / squares if squares > 0 else 0.0


def gaussian_of(rows: Float32s | Float64s) -> Gaussian:
    """(n, d) -> mean and covariance. One row has no covariance: a factor of zeros. Raises ValueError for none and for NaN."""
    count, dimension = rows.shape
    if not count:
        raise ValueError("no rows")
    mean = rows.mean(axis=0, dtype=np.float64)
    if not np.isfinite(mean).all():
        raise ValueError("the rows hold NaN or infinity")
    scale = 1.0 / np.sqrt(max(1, count - 1))
    if count <= dimension:
        return Gaussian(mean, (rows.astype(np.float64) - mean) * scale, count)
    factor = np.zeros((0, dimension), np.float64)
    step = max(_BLOCK, dimension)
    with one_thread():
        for start in range(0, count, step):
            block = (rows[start : start + step].astype(np.float64) - mean) * scale
            packed, _ = torch.geqrf(torch.from_numpy(np.concatenate([factor, block])))  # linalg.qr keeps three copies of it.
            factor = packed[:dimension].triu().numpy()
    return Gaussian(mean, factor, count)


def gaussian_from(mean: Float64s, covariance: Float64s, rows: int = 0) -> Gaussian:
    """Mean (d,) and covariance (d, d) -> the same with a factor. Raises ValueError: unlike shapes, NaN, or what is no covariance."""
    mean, covariance = np.asarray(mean, np.float64), np.asarray(covariance, np.float64)
    if mean.ndim != 1 or covariance.shape != (len(mean), len(mean)):
        raise ValueError(f"a mean of shape {mean.shape} and a covariance of shape {covariance.shape} do not belong together")
    if not (np.isfinite(mean).all() and np.isfinite(covariance).all()):
        raise ValueError("mean or covariance hold NaN or infinity")
    largest = float(np.abs(covariance).max(initial=0.0))
    if not np.allclose(covariance, covariance.T, rtol=0, atol=1e-5 * largest):
        raise ValueError("the covariance is not symmetric")
    with one_thread():
        values, vectors = (part.numpy() for part in torch.linalg.eigh(torch.from_numpy((covariance + covariance.T) / 2)))
    if len(values) and values[0] < -1e-4 * max(values[-1], 0.0) - 1e-12:
        raise ValueError("the covariance has a negative eigenvalue")
    kept = values > 0
    return Gaussian(mean, np.asarray((vectors[:, kept] * np.sqrt(values[kept])).T, np.float64), rows)


def frechet_distance(first: Gaussian, second: Gaussian) -> float:
    """Between 0 and infinity; 0 with itself. Raises ValueError for unlike dimensions."""
    _check_dimensions(first, second)
    return max(0.0, squared_shift(first, second) + first.trace + second.trace - 2 * nuclear_norm(product(first.factor, second.factor.T)))


def product(left: Float64s, right: Float64s) -> Float64s:
    """The matrix product on one thread: its last bits depend on nothing else then."""
    with one_thread():
        return np.asarray((torch.from_numpy(left) @ torch.from_numpy(right)).numpy(), np.float64)


def squared_shift(first: Gaussian, second: Gaussian) -> float:
    """|m1 - m2|^2, the part of the distance that is the means'."""
    return float(np.square(first.mean - second.mean).sum())


def nuclear_norm(matrix: Float64s) -> float:
    """Sum of the singular values, each to a rounding error of the largest."""
    if not matrix.size:
        return 0.0
    with one_thread():
        return float(torch.linalg.svdvals(torch.from_numpy(np.ascontiguousarray(matrix))).sum())


def trace_root(gram: Float64s) -> float:
    """tr G^(1/2) of a symmetric positive semidefinite (m, m): four times as fast as `nuclear_norm`, and exact to 1e-8 of the largest root
    a direction without variance. For what is drawn hundreds of times.
    """
    if not gram.size:
        return 0.0
    with one_thread():
        values = torch.linalg.eigvalsh(torch.from_numpy(np.ascontiguousarray(gram)))
        return float(values.clamp_min(0).sqrt().sum())


def _check_dimensions(first: Gaussian, second: Gaussian) -> None:
    if first.dimension != second.dimension:
        raise ValueError(f"sets of {first.dimension} and {second.dimension} dimensions are not of one network")
