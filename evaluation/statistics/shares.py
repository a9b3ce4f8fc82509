"""How much of a distance each clip has: the distance is the mean, over rows, of how far each has to go to the reference.

The optimal transport between two Gaussians moves a row x to T(x) = m2 + A (x - m1), and the mean of |x - T(x)|^2 is their Frechet
distance (Dowson and Landau 1982, Givens and Shortt 1984). Where rows are fewer than dimensions, the variance of the reference that no
row can reach is spread evenly over all.
"""

import numpy as np
import torch

from noise2music.core.arrays import Float64s
from noise2music.core.device import one_thread
from noise2music.evaluation.statistics.clip_rows import ClipRows
from noise2music.evaluation.statistics.frechet import Gaussian, gaussian_of

_TINY = 1e-10
"""Directions whose standard deviation is below this part of the largest are none: a map cannot be told there."""


def clip_shares(clips: ClipRows, reference: Gaussian) -> Float64s:
    """(clips,) squared distance that the rows of each clip have to go, in the mean. Weighted by rows, their mean is the distance."""
    ours = gaussian_of(clips.rows)
    rows = clips.rows.astype(np.float64) - ours.mean
    # Deviations by n - 1, as the covariance has them.
    rows *= np.sqrt(len(rows) / max(1, len(rows) - 1))
    moved, reached = _moved(rows, ours, reference)
    squares = np.square(rows - moved + (ours.mean - reference.mean)).sum(axis=1)
    starts = np.concatenate([[0], np.cumsum(clips.counts)[:-1]]).astype(np.int64)
    return np.asarray(np.add.reduceat(squares, starts) / clips.counts + max(0.0, reference.trace - reached), np.float64)


def _moved(rows: Float64s, ours: Gaussian, reference: Gaussian) -> tuple[Float64s, float]:
    """(n, d) where the centred rows go, about the reference's mean, and the variance that they have there."""
    with one_thread():
        _, sizes, right = torch.linalg.svd(torch.from_numpy(ours.factor), full_matrices=False)
        kept = sizes > _TINY * sizes.max() if len(sizes) else sizes > 0
        # With S1 = V s^2 V^T: whitened rows w = x V / s, and M = (s V^T) R2^T = U k W^T gives T(x) = w U W^T R2.
        basis = right[kept]
        cross = (sizes[kept, None] * basis) @ torch.from_numpy(reference.factor.T)
        turn, _, back = torch.linalg.svd(cross, full_matrices=False)
        target = turn @ back @ torch.from_numpy(reference.factor)
        moved = torch.from_numpy(rows) @ (basis.T / sizes[kept]) @ target
        return moved.numpy(), float(target.square().sum())
