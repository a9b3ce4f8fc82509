"""Samplers on Gaussian data, where the exact denoiser is known."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from noise2music.models.diffusion.denoiser import Denoiser
from noise2music.models.diffusion.sampler import ancestral, ddim, dpm_solver_2m, heun
from noise2music.models.diffusion.schedule import Schedule, alpha_sigma
from noise2music.models.diffusion.steps import log_snrs, uniform

MEAN, SPREAD, COUNT = 0.7, 0.4, 40_000
SCHEDULES = [Schedule("cosine"), Schedule("beta_linear")]


def exact(x: Tensor, log_snr: Tensor) -> Tensor:
    """E[x0 | x] of x0 ~ N(MEAN, SPREAD^2)."""
    alpha, sigma = (value[:, None, None] for value in alpha_sigma(log_snr.double()))
    gain = alpha * SPREAD**2 / (alpha.square() * SPREAD**2 + sigma.square())
    return MEAN + gain * (x - alpha * MEAN)


def start() -> Tensor:
    return torch.randn(COUNT, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def noise(step: int) -> Tensor:
    return torch.randn(COUNT, 1, 1, generator=torch.Generator().manual_seed(1 + step), dtype=torch.float64)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_ancestral_reaches_mean_and_variance(schedule: Schedule, gamma: float) -> None:
    found = ancestral(exact, log_snrs(uniform(400), schedule), start(), noise, gamma)
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(found.std()) == pytest.approx(SPREAD, rel=0.03)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("sampler", [ddim, dpm_solver_2m, heun])
def test_samplers_without_noise_reach_mean_and_variance(schedule: Schedule, sampler: Callable[[Denoiser, Tensor, Tensor], Tensor]) -> None:
    found = sampler(exact, log_snrs(uniform(400), schedule), start())
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(found.std()) == pytest.approx(SPREAD, rel=0.02)


def flow_error(sampler: Callable[[Denoiser, Tensor, Tensor], Tensor], steps: int, low: float = -8.0, high: float = 8.0) -> float:
    """How far x0 is off after `steps` steps of equal size in log SNR.

    Where x ends is known: the probability flow of Gaussians keeps x's place in its distribution.
    """
    path = torch.linspace(low, high, steps + 1, dtype=torch.float64)
    x = start()[:1000]
    (alpha_1, sigma_1), (alpha_0, sigma_0) = alpha_sigma(path[0]), alpha_sigma(path[-1])
    spread_1, spread_0 = ((a.square() * SPREAD**2 + s.square()).sqrt() for a, s in ((alpha_1, sigma_1), (alpha_0, sigma_0)))
    ends = alpha_0 * MEAN + spread_0 * (x - alpha_1 * MEAN) / spread_1
    found = sampler(exact, torch.cat([path, path[-1:] + 1e-9]), x)
    return float((found - exact(ends, path[-1].expand(len(x)))).abs().mean())


@pytest.mark.parametrize(("sampler", "order"), [(ddim, 1), (dpm_solver_2m, 2), (heun, 2)])
def test_order_of_convergence(sampler: Callable[[Denoiser, Tensor, Tensor], Tensor], order: int) -> None:
    ratios = [flow_error(sampler, steps) / flow_error(sampler, 2 * steps) for steps in (100, 200, 400)]
    assert ratios == pytest.approx([2.0**order] * 3, rel=0.12)


def test_20_steps_of_second_order_beat_100_of_first() -> None:
    assert flow_error(dpm_solver_2m, 20) < flow_error(ddim, 100)
    assert flow_error(heun, 20) < flow_error(ddim, 100)


def test_ddim_is_eulers_method_on_a_straight_flow() -> None:
    path = log_snrs(uniform(25), Schedule("flow"))
    parts = [(float(alpha), float(sigma)) for alpha, sigma in map(alpha_sigma, path)]
    sizes, times = [a + s for a, s in parts], [s / (a + s) for a, s in parts]
    place = start()[:50] / sizes[0]
    for step in range(25):
        estimate = exact(place * sizes[step], path[step].expand(50))
        place = place + (times[step + 1] - times[step]) * (place - estimate) / times[step]
    assert torch.allclose(ddim(exact, path, start()[:50]), estimate, atol=1e-6)


@pytest.mark.parametrize(("sampler", "calls"), [(ddim, 7), (dpm_solver_2m, 7), (heun, 13)])
def test_calls_of_the_network(sampler: Callable[[Denoiser, Tensor, Tensor], Tensor], calls: int) -> None:
    asked: list[float] = []

    def counted(x: Tensor, log_snr: Tensor) -> Tensor:
        asked.append(float(log_snr[0]))
        return exact(x, log_snr)

    path = log_snrs(uniform(7), Schedule("cosine"))
    sampler(counted, path, start())
    assert len(asked) == calls
    assert asked == sorted(asked)
    assert asked[-1] == float(path[-2])


def test_gamma_0_is_not_ddim() -> None:
    path = log_snrs(uniform(10), Schedule("cosine"))
    assert float((ancestral(exact, path, start(), noise) - ddim(exact, path, start())).abs().mean()) > 0.05


def test_the_last_step_adds_no_noise() -> None:
    asked: list[int] = []

    def counted(step: int) -> Tensor:
        asked.append(step)
        return noise(step)

    ancestral(exact, log_snrs(uniform(5), Schedule("cosine")), start(), counted, 1.0)
    assert asked == [0, 1, 2, 3]


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_the_end_holds_no_noise_where_a_schedule_ends_early(gamma: float) -> None:
    """Of data that is known the estimate is exact, so anything else at the end is noise that was left."""
    end = ancestral(lambda x, _: torch.full_like(x, 0.3), log_snrs(uniform(800), Schedule("beta_linear")), start(), noise, gamma)
    assert torch.equal(end, torch.full_like(end, 0.3))
