"""Emphasis of high frequencies, and back."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.randomness import normals
from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.stage import STAGES
from noise2music.models.cascade.training_pairs import in_full_scale, in_network_units
from noise2music.models.signal.filters import deemphasise, emphasise


def music(samples: int, key: int = 1) -> torch.Tensor:
    return normals(0, [key, key + 1], "music", (1, samples), torch.device("cpu")) * 0.2


@given(st.sampled_from([0.0, 0.3, 0.9, 0.97]), st.integers(1, 3000))
def test_there_and_back(coefficient: float, samples: int) -> None:
    audio = music(samples)
    assert torch.allclose(deemphasise(emphasise(audio, coefficient), coefficient), audio, atol=1e-5)
    assert torch.allclose(emphasise(deemphasise(audio, coefficient), coefficient), audio, atol=1e-5)


def test_the_gain_is_that_of_the_formula() -> None:
    times = torch.arange(16_000) / 16_000
    for hertz in (50.0, 1000.0, 7000.0):
        tone = torch.sin(2 * torch.pi * hertz * times)[None, None]
        gain = float(emphasise(tone, 0.9)[..., 1000:].std() / tone[..., 1000:].std())
        omega = torch.tensor(2 * torch.pi * hertz / 16_000)
        assert gain == pytest.approx(float(torch.sqrt(1 + 0.81 - 1.8 * torch.cos(omega))), rel=1e-3)


def test_a_constant_comes_back_and_no_click_is_made_at_the_start() -> None:
    constant = torch.full((1, 1, 500), 0.5)
    emphasised = emphasise(constant, 0.9)
    assert torch.allclose(emphasised, torch.full_like(constant, 0.05))
    assert torch.allclose(deemphasise(emphasised, 0.9), constant, atol=1e-5)


@pytest.mark.parametrize("preset", ["paper", "fast", "tiny"])
def test_network_units_are_left_again(preset: str) -> None:
    for name in STAGES:
        stage = stage_of(preset, name)
        signal = music(4000) if stage.signal.domain == "wave" else torch.zeros(1, 80, 20)
        assert torch.allclose(in_full_scale(stage, in_network_units(stage, signal)), signal, atol=1e-5)
