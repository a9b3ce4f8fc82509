"""Samplers on Gaussian data, where the exact denoiser is known."""

import pytest
import torch
from torch import Tensor

from models.diffusion.sampler import ancestral, ddim
from models.diffusion.schedule import Schedule, alpha_sigma
from models.diffusion.steps import lambdas, uniform

MEAN, SPREAD, COUNT = 0.7, 0.4, 40_000
SCHEDULES = [Schedule("cosine"), Schedule("beta_linear")]


def exact(x: Tensor, lam: Tensor) -> Tensor:
    """E[x0 | x] of x0 ~ N(MEAN, SPREAD^2)."""
    alpha, sigma = (value[:, None, None] for value in alpha_sigma(lam.double()))
    gain = alpha * SPREAD**2 / (alpha.square() * SPREAD**2 + sigma.square())
    return MEAN + gain * (x - alpha * MEAN)


def start() -> Tensor:
    return torch.randn(COUNT, 1, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def noise(step: int) -> Tensor:
    return torch.randn(COUNT, 1, 1, generator=torch.Generator().manual_seed(1 + step), dtype=torch.float64)


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_ancestral_reaches_mean_and_variance(schedule: Schedule, gamma: float) -> None:
    found = ancestral(exact, lambdas(uniform(400), schedule), start(), noise, gamma)
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(found.std()) == pytest.approx(SPREAD, rel=0.03)


@pytest.mark.parametrize("schedule", SCHEDULES)
def test_ddim_reaches_mean_and_variance(schedule: Schedule) -> None:
    found = ddim(exact, lambdas(uniform(400), schedule), start())
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(found.std()) == pytest.approx(SPREAD, rel=0.02)


def test_ddim_is_of_first_order() -> None:
    """Where x ends is known: the probability flow of Gaussians keeps x's place in its distribution."""
    path = torch.linspace(-8, 8, 2, dtype=torch.float64)
    x = start()[:1000]
    (alpha_1, sigma_1), (alpha_0, sigma_0) = alpha_sigma(path[0]), alpha_sigma(path[1])
    spread_1, spread_0 = ((a.square() * SPREAD**2 + s.square()).sqrt() for a, s in ((alpha_1, sigma_1), (alpha_0, sigma_0)))
    ends = alpha_0 * MEAN + spread_0 * (x - alpha_1 * MEAN) / spread_1
    wanted = exact(ends, path[1].expand(len(x)))

    def error(steps: int) -> float:
        path = torch.linspace(-8, 8, steps + 1, dtype=torch.float64)
        seen: list[Tensor] = []

        def denoiser(x: Tensor, lam: Tensor) -> Tensor:
            seen.append(x)
            return exact(x, lam)

        last = ddim(denoiser, torch.cat([path, path[-1:] + 1e-9]), x)
        return float((last - wanted).abs().mean())

    ratios = [error(steps) / error(2 * steps) for steps in (50, 100, 200)]
    assert ratios == pytest.approx([2, 2, 2], abs=0.25)


def test_gamma_0_is_not_ddim() -> None:
    path = lambdas(uniform(10), Schedule("cosine"))
    assert float((ancestral(exact, path, start(), noise) - ddim(exact, path, start())).abs().mean()) > 0.05


def test_the_last_step_adds_no_noise() -> None:
    asked: list[int] = []

    def counted(step: int) -> Tensor:
        asked.append(step)
        return noise(step)

    ancestral(exact, lambdas(uniform(5), Schedule("cosine")), start(), counted, 1.0)
    assert asked == [0, 1, 2, 3]


@pytest.mark.parametrize("gamma", [0.0, 1.0])
def test_the_end_holds_no_noise_where_a_schedule_ends_early(gamma: float) -> None:
    """Of data that is known the estimate is exact, so anything else at the end is noise that was left."""
    end = ancestral(lambda x, _: torch.full_like(x, 0.3), lambdas(uniform(800), Schedule("beta_linear")), start(), noise, gamma)
    assert torch.equal(end, torch.full_like(end, 0.3))
