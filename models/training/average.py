"""Averages of a network's weights over training: the paper's exponential one, and power-function profiles.

A power-function profile of width sigma_rel (Karras et al. 2024, "Analyzing and Improving the Training Dynamics of Diffusion Models",
section 3) is an average whose weights grow as a power of time, so that its width stays the same share of the training however long that is.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn


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
