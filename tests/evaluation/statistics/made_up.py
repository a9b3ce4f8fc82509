"""Sets of clips whose distribution is known."""

import numpy as np

from noise2music.core.arrays import Float64s
from noise2music.evaluation.statistics.clip_rows import ClipRows, clip_rows
from noise2music.evaluation.statistics.frechet import Gaussian


def clustered(
    random: np.random.Generator, clips: int, frames: int, scale: Float64s, shift: float = 0.0, rho: float = 0.8, name: str = "clip"
) -> ClipRows:
    """Gaussian rows of mean `shift` and standard deviations `scale`; of the variance, a share `rho` is common to the frames of a clip."""
    common = random.standard_normal((clips, 1, len(scale)))
    own = random.standard_normal((clips, frames, len(scale)))
    rows = ((np.sqrt(rho) * common + np.sqrt(1 - rho) * own) * scale + shift).astype(np.float32)
    return clip_rows([(f"{name}-{place:04d}-{random.integers(1 << 40)}", rows[place]) for place in range(clips)])


def diagonal(scale: Float64s, shift: float = 0.0) -> Gaussian:
    """The distribution of the rows above."""
    return Gaussian(np.full(len(scale), shift), np.diag(scale), 0)


def gaussian_rows(random: np.random.Generator, count: int, dimension: int, spread: float = 1.0) -> Float64s:
    """(count, dimension) rows with a covariance of full rank that is not diagonal."""
    turn = np.linalg.qr(random.standard_normal((dimension, dimension))).Q * np.linspace(0.3, 2, dimension)
    return random.standard_normal((count, dimension)) @ turn * spread + random.standard_normal(dimension)
