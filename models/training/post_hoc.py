"""Choosing the length of the average after training: stored snapshots of power-function profiles are combined into any other profile.

Karras et al. 2024, "Analyzing and Improving the Training Dynamics of Diffusion Models", section 3.2 and appendix C: the coefficients
that come nearest, in least squares over time, to the profile wanted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.training.average import gamma_of_width

Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """The average of width sigma_rel as it stood after so many clips."""

    width: float
    clips: int


def coefficients(snapshots: Sequence[Profile], wanted: Profile) -> Float64s:
    """(N,): what to multiply each snapshot with, so that their sum is nearest to the profile wanted."""
    return np.asarray(np.linalg.solve(_products(snapshots, snapshots), _products(snapshots, [wanted]))[:, 0], np.float64)


def _products(left: Sequence[Profile], right: Sequence[Profile]) -> Float64s:
    """(N, M) integrals over time of each pair of profiles (appendix C, the closed form of p_i . p_j)."""
    time_a, gamma_a = (values[:, None] for values in _numbers(left))
    time_b, gamma_b = (values[None, :] for values in _numbers(right))
    exponent = np.where(time_a < time_b, gamma_b, -gamma_a)
    largest = np.maximum(time_a, time_b)
    return np.asarray((gamma_a + 1) * (gamma_b + 1) * (time_a / time_b) ** exponent / ((gamma_a + gamma_b + 1) * largest), np.float64)


def _numbers(profiles: Sequence[Profile]) -> tuple[Float64s, Float64s]:
    times = np.array([profile.clips for profile in profiles], np.float64)
    return times, np.array([gamma_of_width(profile.width) for profile in profiles])
