"""A denoiser is a function (x, log SNR) -> x0: one network with its conditioning and its guidance. Samplers see nothing else."""

from collections.abc import Callable

import torch
from torch import Tensor

from noise2music.models.diffusion.guidance import Guidance
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.prediction import Prediction, x0_of
from noise2music.models.signal.inpainting import Inpainting

Network = Callable[[Tensor, Tensor, Inputs], Tensor]
"""(x (B, C, T), log SNR (B,), inputs) -> what is predicted of x (B, C, T)."""

Denoiser = Callable[[Tensor, Tensor], Tensor]
"""(x (B, C, T), log SNR (B,), one value for all) -> the estimated data (B, C, T)."""

Clip = Callable[[Tensor], Tensor]
"""x0 -> x0 within the range that data has."""


def make_denoiser(
    network: Network,
    prediction: Prediction,
    inputs: Inputs,
    guidance: Guidance | None = None,
    clip: Clip | None = None,
    negative: Inputs | None = None,
) -> Denoiser:
    """The denoiser of one batch.

    With guidance and text there are two estimates: one with the text, and one without text or, where it is given, with the `negative`
    inputs. A GPU makes both in one pass. A CPU makes two passes, and without `negative` the second skips cross-attention.
    """
    unconditional = negative or inputs.without_text()

    def estimate(x: Tensor, log_snr: Tensor, conditions: Inputs) -> Tensor:
        return x0_of(prediction, network(x, log_snr, conditions), x, log_snr)

    def both(x: Tensor, log_snr: Tensor) -> tuple[Tensor, Tensor]:
        if x.device.type == "cpu":
            return estimate(x, log_snr, inputs), estimate(x, log_snr, unconditional)
        estimates = estimate(torch.cat([x, x]), torch.cat([log_snr, log_snr]), inputs.beside(unconditional))
        return estimates[: len(x)], estimates[len(x) :]

    def denoise(x: Tensor, log_snr: Tensor) -> Tensor:
        if guidance is None or inputs.text is None or not guidance.applies(float(log_snr[0])):
            x0 = estimate(x, log_snr, inputs)
        else:
            x0 = guidance(*both(x, log_snr))
        return x0 if clip is None else clip(x0)

    return torch.no_grad()(denoise)


# Continuation and inpainting with any denoiser and any sampler.


def inpaint(denoiser: Denoiser, inpainting: Inpainting) -> Denoiser:
    """The denoiser whose estimate is the known signal under the mask.

    A sampler that adds no noise then keeps x there at the known signal plus one fixed noise, whatever the network estimates. The network
    sees that as the surroundings of the part that is made.
    """

    def denoise(x: Tensor, log_snr: Tensor) -> Tensor:
        return inpainting.apply(denoiser(x, log_snr))

    return denoise
