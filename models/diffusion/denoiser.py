"""A denoiser is a function (x, lambda) -> x0, made once from a network, what conditions it, and guidance. Samplers know nothing else."""

from collections.abc import Callable

import torch
from torch import Tensor

from models.diffusion.prediction import Prediction, x0_of
from models.network.inputs import Inputs
from models.network.unet import UNet

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(x (B, C, T), lambda (B,)) -> the estimated data (B, C, T)."""

Guidance = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(x0 with text, x0 without, lambda (B,)) -> x0."""

Clip = Callable[[Tensor], Tensor]
"""x0 -> x0 within the range that data has."""


def make_denoiser(
    network: UNet, prediction: Prediction, inputs: Inputs, guidance: Guidance | None = None, clip: Clip | None = None
) -> Denoiser:
    """The denoiser of one batch. With guidance and text the network runs twice: with text and, all cross-attention skipped, without."""

    def denoise(x: Tensor, lam: Tensor) -> Tensor:
        x0 = x0_of(prediction, network(x, lam, inputs), x, lam)
        if guidance is not None and inputs.text is not None:
            x0 = guidance(x0, x0_of(prediction, network(x, lam, inputs.without_text()), x, lam), lam)
        return x0 if clip is None else clip(x0)

    return torch.no_grad()(denoise)
