"""EMA of a network's weights: the paper's exponential average, and power-function profiles for a choice after training (post-hoc EMA).

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
    def update(self, beta: float) -> None:
        """values = beta values + (1 - beta) parameters."""
        for value, parameter in zip(self.values, self.parameters, strict=True):
            value.lerp_(parameter.detach(), 1.0 - beta)

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


def exponential_beta(decay: float, updates: int) -> float:
    """Beta of the exponential average at update number `updates` (from 0): `decay` in the end, and less at the start (warm-up)."""
    return min(decay, (1 + updates) / (10 + updates))


def power_beta(gamma: float, clips: int, global_batch_size: int) -> float:
    """Beta of a power-function average at the step that ends at `clips` clips: (1 - 1/t)^(gamma + 1) of Karras et al. 2024, in clips."""
    return float((1.0 - global_batch_size / clips) ** (gamma + 1.0)) if clips > global_batch_size else 0.0


def gamma_of_width(width: float) -> float:
    """The exponent of a profile of relative width sigma_rel: the largest root of g^3 + 7 g^2 + (16 - w^-2) g + 12 - w^-2."""
    inverse = width**-2
    roots = np.roots([1.0, 7.0, 16.0 - inverse, 12.0 - inverse])
    return float(max(root.real for root in roots if abs(root.imag) < 1e-9))


def width_of_gamma(gamma: float) -> float:
    """sigma_rel of an exponent."""
    return float((gamma + 1.0) ** 0.5 / ((gamma + 2.0) * (gamma + 3.0) ** 0.5))


# Post-hoc EMA: the length of the average is chosen after training, as a sum of stored snapshots. Karras et al. 2024, section 3.2 and
# appendix C: the coefficients that come nearest to the target profile, in least squares over time.


Float64s = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """The average of width sigma_rel as it stood after so many clips."""

    width: float
    clips: int


def posthoc_coefficients(snapshots: Sequence[Profile], target: Profile) -> Float64s:
    """(N,): the factor of each snapshot, such that their sum is nearest to the target profile."""
    return np.asarray(np.linalg.solve(_products(snapshots, snapshots), _products(snapshots, [target]))[:, 0], np.float64)


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


# Averaged weights of a run as a file of their own: another average than the published one, or half the bytes.


PROFILES, WEIGHTS = "profiles", "weights.safetensors"
_SNAPSHOT = re.compile(r"clips-(\d+)-width-([0-9.]+)\.safetensors")


def snapshot_path(folder: Path, profile: Profile) -> Path:
    """Where a run keeps a snapshot of a power-function average."""
    return folder / PROFILES / f"clips-{profile.clips:012d}-width-{profile.width}.safetensors"


def snapshots(folder: Path) -> list[Profile]:
    """The snapshots that a run has kept, by clips and width."""
    matches = (_SNAPSHOT.fullmatch(path.name) for path in (folder / PROFILES).glob("*.safetensors"))
    return sorted((Profile(float(match[2]), int(match[1])) for match in matches if match), key=lambda one: (one.clips, one.width))


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
    stored = snapshots(folder)
    if not stored:
        raise UserError(f"{folder} has no snapshots of averages. Train with checkpoints.profiles, for example [0.05, 0.1].")
    last = clips or stored[-1].clips
    used = [profile for profile in stored if profile.clips <= last]
    if not used or used[-1].clips != last:
        moments = ", ".join(f"{moment:,}" for moment in sorted({profile.clips for profile in stored}))
        raise UserError(f"{folder} has no snapshot after {last:,} clips; it has them after {moments}.")
    header = read_weights_header(snapshot_path(folder, used[-1]))
    header = header.model_copy(update={"average": f"power function, width {width}, from {len(used)} snapshots"})
    write_weights(output, _posthoc_ema(folder, used, Profile(width, last)), header, precision)
    return header


def _posthoc_ema(folder: Path, used: list[Profile], target: Profile) -> dict[str, Tensor]:
    summed: dict[str, Tensor] = {}
    for profile, share in zip(used, posthoc_coefficients(used, target).tolist(), strict=True):
        path = snapshot_path(folder, profile)
        if read_weights_header(path).clips != profile.clips:
            raise UserError(f"{path} is not of the moment that its name says. Restore it, or remove it.")
        for name, tensor in read_tensors(path).items():
            summed[name] = summed.get(name, torch.zeros_like(tensor, dtype=torch.float64)) + share * tensor.double()
    return {name: tensor.float() for name, tensor in summed.items()}
