"""Samplers: pure functions of a denoiser, a list of lambdas and a source of noise.

Each ends with the denoiser's estimate at the last lambda but one: the state at the last lambda would still hold its noise, 1 % of full
scale where a schedule starts at lambda = 9.2 (beta_linear). So N + 1 lambdas are N estimates, 2 N - 1 for `heun`.
"""

from collections.abc import Callable
from itertools import pairwise

import torch
from torch import Tensor

from noise2music.models.diffusion.denoiser import Denoiser
from noise2music.models.diffusion.prediction import eps_of_x0
from noise2music.models.diffusion.schedule import alpha_sigma

Noise = Callable[[int], Tensor]
"""The number of a step -> standard normal noise in the shape of x."""


def ancestral(denoiser: Denoiser, lambdas: Tensor, x: Tensor, noise: Noise, gamma: float = 0.0) -> Tensor:
    """The paper's sampler (section 3.3): x (B, C, T) at the first lambda -> x0.

    `lambdas` (steps + 1,) ascend. The noise of a step has standard deviation s~^(1 - gamma) s^gamma, where s~ is that of the posterior
    (gamma 0) and s that of the forward process (gamma 1). Gamma 0 is not DDIM.
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
    """DDIM without noise (Song et al. 2021): x (B, C, T) at the first lambda -> x0. First order.

    In the coordinates of a straight flow, x / (alpha + sigma) over sigma / (alpha + sigma), this is Euler's method.
    """
    for t, s in pairwise(lambdas[:-1]):
        x = _move(denoiser(x, _told(t, x)), x, t, s)
    return denoiser(x, _told(lambdas[-2], x))


def repainted(denoiser: Denoiser, lambdas: Tensor, x: Tensor, noise: Noise, rounds: int) -> Tensor:
    """RePaint (Lugmayr et al. 2022) with steps of DDIM: x (B, C, T) at the first lambda -> x0, for a denoiser that keeps a known part.

    Each step is taken `rounds` times, and in between its noise is put back: so what is made has several chances to meet what is known,
    which a sampler that only goes forward has not. `rounds` estimates a step.
    """
    for step, (t, s) in enumerate(pairwise(lambdas[:-1])):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = alpha_sigma(t), alpha_sigma(s)
        kept = alpha_t / alpha_s
        spread = torch.sqrt(sigma_t.square() - (kept * sigma_s).square())
        for turn in range(1, rounds):
            back = _move(denoiser(x, _told(t, x)), x, t, s)
            x = float(kept) * back + float(spread) * noise(step * (rounds - 1) + turn - 1)
        x = _move(denoiser(x, _told(t, x)), x, t, s)
    return denoiser(x, _told(lambdas[-2], x))


def dpm_solver_2m(denoiser: Denoiser, lambdas: Tensor, x: Tensor) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, algorithm 2): x (B, C, T) at the first lambda -> x0. Second order, one estimate a step.

    The estimate of a step is extrapolated along lambda to the middle of the step from the one before it.
    """
    before: Tensor | None = None
    for step, (t, s) in enumerate(pairwise(lambdas[:-1])):
        x0 = denoiser(x, _told(t, x))
        extrapolated = x0
        if before is not None:
            share = float((s - t) / (t - lambdas[step - 1])) / 2
            extrapolated = x0 + share * (x0 - before)
        (_, sigma_t), (alpha_s, sigma_s) = alpha_sigma(t), alpha_sigma(s)
        x = float(sigma_s / sigma_t) * x + float(-torch.expm1((t - s) / 2) * alpha_s) * extrapolated
        before = x0
    return denoiser(x, _told(lambdas[-2], x))


def heun(denoiser: Denoiser, lambdas: Tensor, x: Tensor) -> Tensor:
    """Heun's method in the coordinates of a straight flow: x (B, C, T) at the first lambda -> x0. Second order, two estimates a step."""
    for t, s in pairwise(lambdas[:-1]):
        x0 = denoiser(x, _told(t, x))
        ahead = _move(x0, x, t, s)
        x0_ahead = denoiser(ahead, _told(s, ahead))
        velocity, velocity_ahead = _velocity(x0, x, t), _velocity(x0_ahead, ahead, s)
        (size_t, time_t), (size_s, time_s) = _flow(t), _flow(s)
        x = size_s * (x / size_t + (time_s - time_t) / 2 * (velocity + velocity_ahead))
    return denoiser(x, _told(lambdas[-2], x))


def _move(x0: Tensor, x: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """x at lambda t -> at lambda s, as if x0 were the data."""
    alpha, sigma = alpha_sigma(s)
    return float(alpha) * x0 + float(sigma) * eps_of_x0(x0, x, _told(t, x))


def _flow(lam: Tensor) -> tuple[float, float]:
    """What x is divided by to lie on a straight flow from data to noise, and the time of that flow, 0 at the data."""
    alpha, sigma = alpha_sigma(lam)
    return float(alpha + sigma), float(sigma / (alpha + sigma))


def _velocity(x0: Tensor, x: Tensor, lam: Tensor) -> Tensor:
    """Noise minus data, the derivative of a straight flow by its time."""
    return eps_of_x0(x0, x, _told(lam, x)) - x0


def _told(lam: Tensor, x: Tensor) -> Tensor:
    return lam.to(x.device, x.dtype).expand(len(x))
