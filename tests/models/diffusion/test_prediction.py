"""Predictions are one another's linear functions; weights count the same error whatever is predicted."""

from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.models.diffusion.prediction import Prediction, eps_of_x0, target_of, x0_of
from noise2music.models.diffusion.schedule import alpha_sigma, diffuse
from noise2music.models.diffusion.weighting import Weight

KINDS: tuple[Prediction, ...] = get_args(Prediction)


def drawn(count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 1, 16, generator=generator), torch.randn(count, 1, 16, generator=generator)


@settings(max_examples=60)
@given(st.sampled_from(KINDS), st.floats(-7, 7))
def test_round_trips(kind: Prediction, level: float) -> None:
    """eps at little signal loses alpha's digits, so single precision holds 1e-5 up to |lambda| = 3, double beyond."""
    dtype = torch.float32 if abs(level) <= 3 else torch.float64
    x0, eps = (values.to(dtype) for values in drawn(4))
    lam = torch.full((4,), level, dtype=dtype)
    x = diffuse(x0, eps, lam)
    found = x0_of(kind, target_of(kind, x0, eps, lam), x, lam)
    assert torch.allclose(found, x0, atol=1e-5)
    assert torch.allclose(eps_of_x0(found, x, lam), eps, atol=1e-4 if dtype == torch.float32 else 1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", ["simplified", "sigma", "min_snr", "sigmoid", "velocity", "sigmoid_velocity"])
def test_a_weight_counts_the_error_of_eps(kind: Prediction, weight: str) -> None:
    """The loss on what the network says is the weighted loss on the eps that follows from it."""
    x0, eps = (values.double() for values in drawn())
    lam = torch.linspace(-6, 6, 64, dtype=torch.float64)
    x = diffuse(x0, eps, lam)
    target = target_of(kind, x0, eps, lam)
    said = target + 0.01 * torch.randn(target.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    eps_said = eps_of_x0(x0_of(kind, said, x, lam), x, lam)
    weigh = Weight(weight)  # type: ignore[arg-type]
    left = weigh.of_output(lam, kind) * (said - target).square().mean((1, 2))
    right = weigh(lam) * (eps_said - eps).square().mean((1, 2))
    assert torch.allclose(left, right, rtol=1e-6)


def test_weights_in_closed_form() -> None:
    lam = torch.linspace(-5, 5, 11, dtype=torch.float64)
    alpha, sigma = alpha_sigma(lam)
    snr = (alpha / sigma).square()
    assert torch.equal(Weight("simplified")(lam), torch.ones_like(lam))
    assert torch.allclose(Weight("sigma")(lam), sigma.square())
    assert torch.allclose(Weight("min_snr", gamma=5)(lam), snr.clamp(max=5) / snr)
    assert torch.allclose(Weight("sigmoid", bias=1)(lam), 1 / (1 + torch.exp(lam - 1)))
    assert torch.allclose(Weight("velocity").of_output(lam, "v"), torch.ones_like(lam))
    assert torch.allclose(Weight("sigmoid_velocity", bias=1).of_output(lam, "v"), Weight("sigmoid", bias=1)(lam))
