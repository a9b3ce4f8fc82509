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
    """eps at little signal loses alpha's digits, so single precision holds 1e-5 up to |log SNR| = 3, double beyond."""
    dtype = torch.float32 if abs(level) <= 3 else torch.float64
    x0, eps = (values.to(dtype) for values in drawn(4))
    log_snr = torch.full((4,), level, dtype=dtype)
    x = diffuse(x0, eps, log_snr)
    found = x0_of(kind, target_of(kind, x0, eps, log_snr), x, log_snr)
    assert torch.allclose(found, x0, atol=1e-5)
    assert torch.allclose(eps_of_x0(found, x, log_snr), eps, atol=1e-4 if dtype == torch.float32 else 1e-9)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("weight", ["simplified", "sigma", "min_snr", "sigmoid", "velocity", "sigmoid_velocity"])
def test_a_weight_counts_the_error_of_eps(kind: Prediction, weight: str) -> None:
    """The loss on what the network says is the weighted loss on the eps that follows from it."""
    x0, eps = (values.double() for values in drawn())
    log_snr = torch.linspace(-6, 6, 64, dtype=torch.float64)
    x = diffuse(x0, eps, log_snr)
    target = target_of(kind, x0, eps, log_snr)
    said = target + 0.01 * torch.randn(target.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    eps_said = eps_of_x0(x0_of(kind, said, x, log_snr), x, log_snr)
    weigh = Weight(weight)  # type: ignore[arg-type]
    left = weigh.of_output(log_snr, kind) * (said - target).square().mean((1, 2))
    right = weigh(log_snr) * (eps_said - eps).square().mean((1, 2))
    assert torch.allclose(left, right, rtol=1e-6)


def test_weights_in_closed_form() -> None:
    log_snr = torch.linspace(-5, 5, 11, dtype=torch.float64)
    alpha, sigma = alpha_sigma(log_snr)
    snr = (alpha / sigma).square()
    assert torch.equal(Weight("simplified")(log_snr), torch.ones_like(log_snr))
    assert torch.allclose(Weight("sigma")(log_snr), sigma.square())
    assert torch.allclose(Weight("min_snr", gamma=5)(log_snr), snr.clamp(max=5) / snr)
    assert torch.allclose(Weight("sigmoid", bias=1)(log_snr), 1 / (1 + torch.exp(log_snr - 1)))
    assert torch.allclose(Weight("velocity").of_output(log_snr, "v"), torch.ones_like(log_snr))
    assert torch.allclose(Weight("sigmoid_velocity", bias=1).of_output(log_snr, "v"), Weight("sigmoid", bias=1)(log_snr))
