"""A denoiser is a function (x, lambda) -> x0, made once from a network, what conditions it, and guidance. Samplers know nothing else."""

from collections.abc import Callable

import torch
from torch import Tensor

from noise2music.models.diffusion.guidance import Guidance
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.prediction import Prediction, x0_of
from noise2music.models.signal.known import Known

Network = Callable[[Tensor, Tensor, Inputs], Tensor]
"""(x (B, C, T), lambda (B,), inputs) -> what is predicted of x (B, C, T)."""

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(x (B, C, T), lambda (B,), one value for all) -> the estimated data (B, C, T)."""

Clip = Callable[[Tensor], Tensor]
"""x0 -> x0 within the range that data has."""


def make_denoiser(
    network: Network,
    prediction: Prediction,
    inputs: Inputs,
    guidance: Guidance | None = None,
    clip: Clip | None = None,
    unwanted: Inputs | None = None,
) -> Denoiser:
    """The denoiser of one batch. With guidance and text there are two estimates: with text, and without or, where given, of `unwanted`.

    A GPU makes both in one pass; a CPU in two, the second without any cross-attention where nothing is unwanted.
    """
    without = unwanted or inputs.without_text()

    def estimate(x: Tensor, lam: Tensor, told: Inputs) -> Tensor:
        return x0_of(prediction, network(x, lam, told), x, lam)

    def both(x: Tensor, lam: Tensor) -> tuple[Tensor, Tensor]:
        if x.device.type == "cpu":
            return estimate(x, lam, inputs), estimate(x, lam, without)
        found = estimate(torch.cat([x, x]), torch.cat([lam, lam]), inputs.beside(without))
        return found[: len(x)], found[len(x) :]

    def denoise(x: Tensor, lam: Tensor) -> Tensor:
        if guidance is None or inputs.text is None or not guidance.applies(float(lam[0])):
            x0 = estimate(x, lam, inputs)
        else:
            x0 = guidance(*both(x, lam))
        return x0 if clip is None else clip(x0)

    return torch.no_grad()(denoise)


# Continuation and inpainting with any denoiser and any sampler.


def keeping(denoiser: Denoiser, known: Known) -> Denoiser:
    """The denoiser whose estimate is the known signal where it is known.

    A sampler without noise of its own then holds x at the known signal plus one fixed noise, whatever the network says there, while
    the network sees it as the surroundings of what is not known.
    """

    def denoise(x: Tensor, lam: Tensor) -> Tensor:
        return known.held(denoiser(x, lam))

    return denoise
