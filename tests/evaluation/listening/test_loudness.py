"""Loudness against the numbers of ITU-R BS.1770-5 and EBU Tech 3341."""

import math

import numpy as np
import pytest

from noise2music.core.arrays import Float32s
from noise2music.evaluation.listening.loudness import gain_to, integrated_loudness, k_weighting

RATE = 48_000


def sine(seconds: float, decibels: float, rate: int = RATE, hertz: float = 997) -> Float32s:
    return (10 ** (decibels / 20) * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def test_the_filters_are_the_standards_at_48_khz() -> None:
    (b1, a1), (b2, a2) = k_weighting(48_000)
    assert b1 == pytest.approx([1.53512485958697, -2.69169618940638, 1.19839281085285], abs=1e-8)
    assert a1 == pytest.approx([1.0, -1.69065929318241, 0.73248077421585], abs=1e-8)
    assert list(b2) == [1.0, -2.0, 1.0]
    assert a2 == pytest.approx([1.0, -1.99004745483398, 0.99007225036621], abs=1e-8)


def test_a_sine_at_full_scale_in_one_channel_is_minus_3_01() -> None:
    """What the standard gives as an example (section 1 of its annex 1)."""
    assert integrated_loudness(sine(5, 0), RATE) == pytest.approx(-3.01, abs=0.01)


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 96_000])
def test_another_rate_measures_the_same(rate: int) -> None:
    assert integrated_loudness(sine(3, -20, rate), rate) == pytest.approx(-23.01, abs=0.06)


def test_gates_as_tech_3341_asks() -> None:
    """Its cases 3 and 4 (there in two channels, so 3.01 LU louder): quiet stretches around the programme do not count."""
    case_3 = np.concatenate([sine(10, -36), sine(60, -23), sine(10, -36)])
    case_4 = np.concatenate([sine(10, -72), sine(10, -36), sine(60, -23), sine(10, -36), sine(10, -72)])
    for audio in (case_3, case_4):
        assert integrated_loudness(audio, RATE) + 3.01 == pytest.approx(-23.0, abs=0.1)


def test_a_gain_moves_loudness_by_its_decibels() -> None:
    audio = sine(1, -20) + sine(1, -30, hertz=3000)
    before = integrated_loudness(audio, RATE)
    assert integrated_loudness((audio * gain_to(before, -30.5)).astype(np.float32), RATE) == pytest.approx(-30.5, abs=1e-4)


def test_short_and_silent_audio() -> None:
    assert integrated_loudness(sine(0.2, 0), RATE) == pytest.approx(-3.01, abs=0.3)
    assert integrated_loudness(np.zeros(RATE, np.float32), RATE) == -math.inf
    assert integrated_loudness(np.zeros(0, np.float32), RATE) == -math.inf
