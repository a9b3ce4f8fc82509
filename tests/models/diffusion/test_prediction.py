"""Predictions are one another's linear functions; weights count the same error whatever is predicted."""

from typing import get_args

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from models.diffusion.guidance import DynamicClip, Scale
from models.diffusion.prediction import Prediction, eps_of_x0, target_of, x0_of
from models.diffusion.schedule import alpha_sigma, diffuse
from models.diffusion.weighting import Weight

KINDS: tuple[Prediction, ...] = get_args(Prediction)


def drawn(count: int = 64) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(count, 1, 16, generator=generator), torch.randn(count, 1, 16, generator=generator)


@settings(max_examples=60, deadline=None)
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
@pytest.mark.parametrize("weight", ["simplified", "sigma", "min_snr", "sigmoid"])
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


def test_guidance_is_linear_in_eps() -> None:
    with_text, without = drawn(3)
    lam = torch.tensor([-1.0, 0.0, 2.0])
    x = torch.randn(3, 1, 16)
    guided = Scale(5.0)(with_text, without, lam)
    by_eps = 5 * eps_of_x0(with_text, x, lam) - 4 * eps_of_x0(without, x, lam)
    assert torch.allclose(eps_of_x0(guided, x, lam), by_eps, atol=1e-4)
    assert torch.equal(Scale(1.0)(with_text, without, lam).round(decimals=4), with_text.round(decimals=4))


def test_dynamic_clipping() -> None:
    quiet, loud = torch.linspace(-0.9, 0.9, 1000), torch.linspace(-4, 4, 1000)
    found = DynamicClip(percentile=0.9)(torch.stack([quiet, loud])[:, None])
    assert torch.equal(found[0, 0], quiet)
    assert float(found[1].abs().max()) == pytest.approx(1.0)
    assert (found[1].abs() > 0.9999).float().mean() == pytest.approx(0.1, abs=0.005)
    middle = loud.abs() < 3
    assert torch.allclose(found[1, 0][middle], loud[middle] / loud.abs().quantile(0.9), rtol=1e-2)
