"""Averages of a network's weights over training: the paper's exponential one, and power-function profiles.

A power-function profile of width sigma_rel (Karras et al. 2024, "Analyzing and Improving the Training Dynamics of Diffusion Models",
section 3) is an average whose weights grow as a power of time, so that its width stays the same share of the training however long that is.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from noise2music.core.errors import UserError
from noise2music.core.tensors import read_tensors
from noise2music.models.cascade.weights import WeightsHeader, read_weights_header, write_weights


class Average:
    """A running average of parameters, updated in place after each optimizer step; on every rank alike."""

    def __init__(self, parameters: Iterable[nn.Parameter]) -> None:
        self.parameters = list(parameters)
        self.values = [parameter.detach().clone() for parameter in self.parameters]

    @torch.no_grad()
    def update(self, kept: float) -> None:
        """values = kept values + (1 - kept) parameters."""
        for value, parameter in zip(self.values, self.parameters, strict=True):
            value.lerp_(parameter.detach(), 1.0 - kept)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Within the block the network has the averaged weights."""
        own = [parameter.detach().clone() for parameter in self.parameters]
        self._put(self.values)
        try:
            yield
        finally:
            self._put(own)

    @torch.no_grad()
    def _put(self, values: Iterable[Tensor]) -> None:
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter.copy_(value)


def exponential_kept(decay: float, updates: int) -> float:
    """What the exponential average keeps at update number `updates` (from 0): `decay` in the end, less while there is little to keep."""
    return min(decay, (1 + updates) / (10 + updates))


def power_kept(gamma: float, clips: int, clips_a_step: int) -> float:
    """What a power-function average keeps when the number of clips seen has become `clips` (time counted in clips)."""
    return float((1.0 - clips_a_step / clips) ** (gamma + 1.0)) if clips > clips_a_step else 0.0


def gamma_of_width(width: float) -> float:
    """The exponent of a profile of relative width sigma_rel: the largest root of g^3 + 7 g^2 + (16 - w^-2) g + 12 - w^-2."""
    inverse = width**-2
    roots = np.roots([1.0, 7.0, 16.0 - inverse, 12.0 - inverse])
    return float(max(root.real for root in roots if abs(root.imag) < 1e-9))


def width_of_gamma(gamma: float) -> float:
    """sigma_rel of an exponent."""
    return float((gamma + 1.0) ** 0.5 / ((gamma + 2.0) * (gamma + 3.0) ** 0.5))


# Choosing the length of the average after training: stored snapshots of power-function profiles are combined into any other
# profile. Karras et al. 2024, "Analyzing and Improving the Training Dynamics of Diffusion Models", section 3.2 and appendix C: the
# coefficients that come nearest, in least squares over time, to the profile wanted.


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


# A training run's averaged weights as a file of their own: another average than the one that was published, or half the bytes.


PROFILES, WEIGHTS = "profiles", "weights.safetensors"
_SNAPSHOT = re.compile(r"clips-(\d+)-width-([0-9.]+)\.safetensors")


def snapshot_path(folder: Path, profile: Profile) -> Path:
    """Where a run keeps a snapshot of a power-function average."""
    return folder / PROFILES / f"clips-{profile.clips:012d}-width-{profile.width}.safetensors"


def snapshots(folder: Path) -> list[Profile]:
    """The snapshots that a run has kept, by clips and width."""
    found = (_SNAPSHOT.fullmatch(path.name) for path in (folder / PROFILES).glob("*.safetensors"))
    return sorted((Profile(float(match[2]), int(match[1])) for match in found if match), key=lambda one: (one.clips, one.width))


def export_weights(
    folder: Path, output: Path, width: float | None = None, clips: int | None = None, precision: Literal["fp32", "fp16"] = "fp32"
) -> WeightsHeader:
    """Write weights of the run in `folder` to `output`: the published average, or with `width` the power-function average of that
    relative width as it stood after `clips` (None: at the newest snapshot), from all snapshots up to then.

    Raises UserError where the run has no weights, or no snapshots to make that average of.
    """
    if width is None:
        if clips is not None:
            raise UserError("the number of clips can be chosen for a power-function average only: give its width too.")
        path = folder / WEIGHTS
        header = read_weights_header(path)
        write_weights(output, read_tensors(path), header, precision)
        return header
    kept = snapshots(folder)
    if not kept:
        raise UserError(f"{folder} has no snapshots of averages. Train with checkpoints.profiles, for example [0.05, 0.1].")
    last = clips or kept[-1].clips
    used = [profile for profile in kept if profile.clips <= last]
    if not used or used[-1].clips != last:
        moments = ", ".join(f"{moment:,}" for moment in sorted({profile.clips for profile in kept}))
        raise UserError(f"{folder} has no snapshot after {last:,} clips; it has them after {moments}.")
    header = read_weights_header(snapshot_path(folder, used[-1]))
    header = header.model_copy(update={"average": f"power function, width {width}, from {len(used)} snapshots"})
    write_weights(output, _combined(folder, used, Profile(width, last)), header, precision)
    return header


def _combined(folder: Path, used: list[Profile], wanted: Profile) -> dict[str, Tensor]:
    summed: dict[str, Tensor] = {}
    for profile, share in zip(used, coefficients(used, wanted).tolist(), strict=True):
        path = snapshot_path(folder, profile)
        if read_weights_header(path).clips != profile.clips:
            raise UserError(f"{path} is not of the moment that its name says. Restore it, or remove it.")
        for name, tensor in read_tensors(path).items():
            summed[name] = summed.get(name, torch.zeros_like(tensor, dtype=torch.float64)) + share * tensor.double()
    return {name: tensor.float() for name, tensor in summed.items()}
