"""Samplers: pure functions of a denoiser, a list of lambdas and a source of noise."""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from models.diffusion.denoiser import Denoiser
from models.diffusion.prediction import eps_of_x0
from models.diffusion.schedule import alpha_sigma

Noise = Callable[[int], Tensor]
"""The number of a step -> standard normal noise in the shape of x."""


def ancestral(denoiser: Denoiser, lambdas: Tensor, x: Tensor, noise: Noise, gamma: float = 0.0) -> Tensor:
    """The paper's sampler (section 3.3): x (B, C, T) at the first lambda -> x0.

    `lambdas` (steps + 1,) ascend. The noise of a step has standard deviation s~^(1 - gamma) s^gamma, where s~ is that of the posterior
    (gamma 0) and s that of the forward process (gamma 1). Gamma 0 is not DDIM. The last step gives the estimate itself: the mean at the
    last lambda would still hold its noise, 1 % of full scale where a schedule starts at lambda = 9.2 (beta_linear).
    """
    for step, (t, s) in enumerate(pairwise(lambdas[:-1])):
        x0 = denoiser(x, _told(t, x))
        (alpha_t, sigma_t), (alpha_s, sigma_s) = alpha_sigma(t), alpha_sigma(s)
        kept = torch.exp(t - s)
        mean = float(kept * alpha_s / alpha_t) * x + float(-torch.expm1(t - s) * alpha_s) * x0
        spread = torch.sqrt(-torch.expm1(t - s)) * sigma_s ** (1 - gamma) * sigma_t**gamma
        x = mean + float(spread) * noise(step)
    return denoiser(x, _told(lambdas[-2], x))


def ddim(denoiser: Denoiser, lambdas: Tensor, x: Tensor) -> Tensor:
    """DDIM without noise (Song et al. 2021): x (B, C, T) at the first lambda -> the last x0. First order in the step of lambda."""
    x0 = x
    for t, s in pairwise(lambdas):
        x0 = denoiser(x, _told(t, x))
        alpha, sigma = alpha_sigma(s)
        x = float(alpha) * x0 + float(sigma) * eps_of_x0(x0, x, _told(t, x))
    return x0


def _told(lam: Tensor, x: Tensor) -> Tensor:
    return lam.to(x.device, x.dtype).expand(len(x))
