"""Samplers: pure functions of a denoiser, a list of log SNRs and a source of noise.

Each returns the denoiser's estimate at the last log SNR but one. The state at the last log SNR would still hold its noise: 1 % of full
scale where a schedule starts at log SNR 9.2 (beta_linear). So N + 1 log SNRs cost N estimates, and 2 N - 1 with `heun`.
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


def ancestral(denoiser: Denoiser, log_snrs: Tensor, x: Tensor, noise: Noise, gamma: float = 0.0) -> Tensor:
    """The paper's sampler, with noise in each step.

    Args:
        denoiser: (x (B, C, T), log SNR (B,)) -> estimate of the data (B, C, T).
        log_snrs: (steps + 1,), ascending (models.diffusion.steps.log_snrs).
        x: (B, C, T), at the first log SNR; pure noise, usually.
        noise: number of a step -> standard normal noise (B, C, T).
        gamma: in [0, 1]; the noise of a step has standard deviation s~^(1 - gamma) s^gamma, where s~ is that of the posterior and s that of
            the forward process. Gamma 0 is not DDIM.

    Returns:
        The data (B, C, T), estimated at the last log SNR but one.

    Source: arXiv 2302.03917, section 3.3.
    """
    for step, (t, s) in enumerate(pairwise(log_snrs[:-1])):
        x0 = denoiser(x, _per_row(t, x))
        (alpha_t, sigma_t), (alpha_s, sigma_s) = alpha_sigma(t), alpha_sigma(s)
        ratio = torch.exp(t - s)
        mean = float(ratio * alpha_s / alpha_t) * x + float(-torch.expm1(t - s) * alpha_s) * x0
        std = torch.sqrt(-torch.expm1(t - s)) * sigma_s ** (1 - gamma) * sigma_t**gamma
        x = mean + float(std) * noise(step)
    return denoiser(x, _per_row(log_snrs[-2], x))


def ddim(denoiser: Denoiser, log_snrs: Tensor, x: Tensor) -> Tensor:
    """DDIM without noise. First order.

    In the coordinates of a straight flow, x / (alpha + sigma) over sigma / (alpha + sigma), this is Euler's method.

    Args:
        denoiser: (x (B, C, T), log SNR (B,)) -> estimate of the data (B, C, T).
        log_snrs: (steps + 1,), ascending (models.diffusion.steps.log_snrs).
        x: (B, C, T), at the first log SNR; pure noise, usually.

    Returns:
        The data (B, C, T), estimated at the last log SNR but one.

    Source: Song et al. 2021, arXiv 2010.02502.
    """
    for t, s in pairwise(log_snrs[:-1]):
        x = _move(denoiser(x, _per_row(t, x)), x, t, s)
    return denoiser(x, _per_row(log_snrs[-2], x))


def repaint(denoiser: Denoiser, log_snrs: Tensor, x: Tensor, noise: Noise, rounds: int) -> Tensor:
    """RePaint with steps of DDIM, for a denoiser with a known part (models.diffusion.denoiser.inpaint).

    Each step is taken `rounds` times, and in between its noise is put back. So the new part has several chances to meet the known part,
    which it has not with a sampler that only goes forward.

    Args:
        denoiser: (x (B, C, T), log SNR (B,)) -> estimate of the data (B, C, T).
        log_snrs: (steps + 1,), ascending (models.diffusion.steps.log_snrs).
        x: (B, C, T), at the first log SNR; pure noise, usually.
        noise: number of a draw -> standard normal noise (B, C, T).
        rounds: how often each step is taken, which is also the estimates that it costs; 1 is DDIM.

    Returns:
        The data (B, C, T), estimated at the last log SNR but one.

    Source: Lugmayr et al. 2022, arXiv 2201.09865.
    """
    for step, (t, s) in enumerate(pairwise(log_snrs[:-1])):
        (alpha_t, sigma_t), (alpha_s, sigma_s) = alpha_sigma(t), alpha_sigma(s)
        ratio = alpha_t / alpha_s
        std = torch.sqrt(sigma_t.square() - (ratio * sigma_s).square())
        for turn in range(1, rounds):
            back = _move(denoiser(x, _per_row(t, x)), x, t, s)
            x = float(ratio) * back + float(std) * noise(step * (rounds - 1) + turn - 1)
        x = _move(denoiser(x, _per_row(t, x)), x, t, s)
    return denoiser(x, _per_row(log_snrs[-2], x))


def dpm_solver_2m(denoiser: Denoiser, log_snrs: Tensor, x: Tensor) -> Tensor:
    """DPM-Solver++(2M). Second order, with one estimate a step.

    The estimate of a step is extrapolated along log SNR, from the one before it, to the middle of the step.

    Args:
        denoiser: (x (B, C, T), log SNR (B,)) -> estimate of the data (B, C, T).
        log_snrs: (steps + 1,), ascending (models.diffusion.steps.log_snrs).
        x: (B, C, T), at the first log SNR; pure noise, usually.

    Returns:
        The data (B, C, T), estimated at the last log SNR but one.

    Source: Lu et al. 2022, arXiv 2211.01095, algorithm 2.
    """
    before: Tensor | None = None
    for step, (t, s) in enumerate(pairwise(log_snrs[:-1])):
        x0 = denoiser(x, _per_row(t, x))
        extrapolated = x0
        if before is not None:
            share = float((s - t) / (t - log_snrs[step - 1])) / 2
            extrapolated = x0 + share * (x0 - before)
        (_, sigma_t), (alpha_s, sigma_s) = alpha_sigma(t), alpha_sigma(s)
        x = float(sigma_s / sigma_t) * x + float(-torch.expm1((t - s) / 2) * alpha_s) * extrapolated
        before = x0
    return denoiser(x, _per_row(log_snrs[-2], x))


def heun(denoiser: Denoiser, log_snrs: Tensor, x: Tensor) -> Tensor:
    """Heun's method in the coordinates of a straight flow. Second order, with two estimates a step.

    Args:
        denoiser: (x (B, C, T), log SNR (B,)) -> estimate of the data (B, C, T).
        log_snrs: (steps + 1,), ascending (models.diffusion.steps.log_snrs).
        x: (B, C, T), at the first log SNR; pure noise, usually.

    Returns:
        The data (B, C, T), estimated at the last log SNR but one.

    Source: Karras et al. 2022, arXiv 2206.00364, algorithm 1, in other coordinates.
    """
    for t, s in pairwise(log_snrs[:-1]):
        x0 = denoiser(x, _per_row(t, x))
        ahead = _move(x0, x, t, s)
        x0_ahead = denoiser(ahead, _per_row(s, ahead))
        velocity, velocity_ahead = _velocity(x0, x, t), _velocity(x0_ahead, ahead, s)
        (size_t, time_t), (size_s, time_s) = _flow(t), _flow(s)
        x = size_s * (x / size_t + (time_s - time_t) / 2 * (velocity + velocity_ahead))
    return denoiser(x, _per_row(log_snrs[-2], x))


def _move(x0: Tensor, x: Tensor, t: Tensor, s: Tensor) -> Tensor:
    """x at log SNR t -> at log SNR s, as if x0 were the data."""
    alpha, sigma = alpha_sigma(s)
    return float(alpha) * x0 + float(sigma) * eps_of_x0(x0, x, _per_row(t, x))


def _flow(log_snr: Tensor) -> tuple[float, float]:
    """The divisor that puts x on a straight flow from data to noise, and the time of that flow, 0 at the data."""
    alpha, sigma = alpha_sigma(log_snr)
    return float(alpha + sigma), float(sigma / (alpha + sigma))


def _velocity(x0: Tensor, x: Tensor, log_snr: Tensor) -> Tensor:
    """Noise minus data, the derivative of a straight flow by its time."""
    return eps_of_x0(x0, x, _per_row(log_snr, x)) - x0


def _per_row(log_snr: Tensor, x: Tensor) -> Tensor:
    """One log SNR -> (B,), on the device and in the type of x."""
    return log_snr.to(x.device, x.dtype).expand(len(x))
