"""Continuation and inpainting with any denoiser and any sampler."""

from torch import Tensor

from models.diffusion.denoiser import Denoiser
from models.signal.known import Known


def keeping(denoiser: Denoiser, known: Known) -> Denoiser:
    """The denoiser whose estimate is the known signal where it is known.

    A sampler without noise of its own then holds x at the known signal plus one fixed noise, whatever the network says there, while
    the network sees it as the surroundings of what is not known.
    """

    def denoise(x: Tensor, lam: Tensor) -> Tensor:
        return known.held(denoiser(x, lam))

    return denoise
