"""A part of a signal that is known: continuation and inpainting."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Known:
    """signal (B, C, T) in the units of what it is a part of, and how much of it holds at each position, weight (B, 1, T) in [0, 1]."""

    signal: Tensor
    weight: Tensor

    def held(self, x0: Tensor) -> Tensor:
        """x0 (B, C, T) with the known signal in its places."""
        return torch.lerp(x0, self.signal, self.weight)

    def row(self, row: int) -> "Known":
        """What is known of one sample, as a batch of one."""
        return Known(self.signal[row : row + 1], self.weight[row : row + 1])

    def between(self, start: int, end: int) -> "Known":
        """What is known of the positions [start, end)."""
        return Known(self.signal[..., start:end], self.weight[..., start:end])
