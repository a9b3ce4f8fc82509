"""Averages of weights against their closed forms, and profiles put together after training."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from noise2music.models.training.ema import (
    Average,
    Profile,
    exponential_beta,
    gamma_of_width,
    posthoc_coefficients,
    power_beta,
    width_of_gamma,
)


def test_exponential_average_is_the_weighted_sum() -> None:
    layer = nn.Linear(1, 1, bias=False)
    average = Average(layer.parameters())
    values = torch.linspace(-1, 2, 20)
    expected = float(average.values[0])
    for update, value in enumerate(values.tolist()):
        layer.weight.data.fill_(value)
        kept = exponential_beta(0.9, update)
        average.update(kept)
        expected = kept * expected + (1 - kept) * value
    assert float(average.values[0]) == pytest.approx(expected, abs=1e-6)


def test_the_average_starts_short() -> None:
    assert exponential_beta(0.9999, 0) == pytest.approx(0.1)
    assert exponential_beta(0.9999, 90) == pytest.approx(0.91)
    assert exponential_beta(0.9999, 10**9) == 0.9999


def test_applied_puts_the_average_in_and_takes_it_out() -> None:
    layer = nn.Linear(3, 2)
    average = Average(layer.parameters())
    averaged = [value.clone() for value in average.values]
    nn.init.ones_(layer.weight)
    with average.applied():
        assert all(torch.equal(a, b) for a, b in zip(layer.parameters(), averaged, strict=True))
    assert torch.equal(layer.weight, torch.ones(2, 3))
    assert torch.equal(average.values[0], averaged[0])


@given(st.floats(0.01, 0.28))
def test_width_and_exponent_are_inverse(width: float) -> None:
    assert width_of_gamma(gamma_of_width(width)) == pytest.approx(width, rel=1e-6)


def test_published_exponents() -> None:
    """Karras et al. 2024 state gamma 16.97 for a width of 0.05 and 6.94 for 0.1."""
    assert gamma_of_width(0.05) == pytest.approx(16.97, abs=0.01)
    assert gamma_of_width(0.1) == pytest.approx(6.94, abs=0.01)


def test_a_power_average_has_the_width_it_says() -> None:
    """The profile of weights after many steps has the standard deviation width * time."""
    steps, width = 4000, 0.1
    gamma = gamma_of_width(width)
    weights = np.zeros(steps)
    for step in range(1, steps + 1):
        kept = power_beta(gamma, step * 8, 8)
        weights *= kept
        weights[step - 1] += 1 - kept
    assert weights.sum() == pytest.approx(1.0)
    times = (np.arange(steps) + 1) / steps
    mean = (weights * times).sum()
    assert np.sqrt((weights * (times - mean) ** 2).sum()) == pytest.approx(width, rel=0.01)


def test_a_profile_is_put_together_from_snapshots_of_others() -> None:
    """Averages of a known path of weights: what is put together is what would have been kept."""
    steps, clips = 2000, 16
    path = np.cumsum(np.random.default_rng(0).normal(size=steps)) / 30
    kept = {width: gamma_of_width(width) for width in (0.05, 0.1, 0.15)}
    averages = dict.fromkeys(kept, 0.0)
    snapshots, values = [], []
    for step, value in enumerate(path, 1):
        for width, gamma in kept.items():
            share = power_beta(gamma, step * clips, clips)
            averages[width] = share * averages[width] + (1 - share) * value
        if step % 100 == 0:
            snapshots += [Profile(width, step * clips) for width in (0.05, 0.1)]
            values += [averages[0.05], averages[0.1]]
    found = posthoc_coefficients(snapshots, Profile(0.15, steps * clips)) @ np.array(values)
    assert found == pytest.approx(averages[0.15], abs=0.02 * np.abs(path).max())
    same = posthoc_coefficients(snapshots, snapshots[-1])
    assert same[-1] == pytest.approx(1.0, abs=1e-6)
    assert np.abs(same[:-1]).max() < 1e-6
