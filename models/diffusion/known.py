"""A part of the data that is known: continuation and inpainting with any denoiser and any sampler."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.diffusion.denoiser import Denoiser


@dataclass(frozen=True)
class Known:
    """signal (B, C, T) in network units, and how much of it holds at each position, weight (B, 1, T) in [0, 1]."""

    signal: Tensor
    weight: Tensor


def keeping(denoiser: Denoiser, known: Known) -> Denoiser:
    """The denoiser whose estimate is the known signal where it is known.

    A sampler without noise of its own then holds x at the known signal plus one fixed noise, whatever the network says there, while
    the network sees it as the surroundings of what is not known.
    """

    def denoise(x: Tensor, lam: Tensor) -> Tensor:
        return torch.lerp(denoiser(x, lam), known.signal, known.weight)

    return denoise
