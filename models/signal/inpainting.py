"""The known part of a signal and its mask: continuation and inpainting."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Inpainting:
    """A known signal (B, C, T) and its mask (B, 1, T) in [0, 1]: 1 where the signal is taken, 0 where it is made anew.

    The signal is in the units of what it is put into: network units, or full scale.
    """

    signal: Tensor
    mask: Tensor

    def apply(self, x0: Tensor) -> Tensor:
        """x0 (B, C, T) with the known signal where the mask says."""
        return torch.lerp(x0, self.signal, self.mask)

    def row(self, row: int) -> "Inpainting":
        """The same of one sample, as a batch of one."""
        return Inpainting(self.signal[row : row + 1], self.mask[row : row + 1])

    def between(self, start: int, end: int) -> "Inpainting":
        """The same of the positions [start, end)."""
        return Inpainting(self.signal[..., start:end], self.mask[..., start:end])
