import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.core.audio.resample import resample

RATES = st.sampled_from([8000, 11025, 16000, 22050, 24000, 44100, 48000, 96000, 192_000, 384_000])


@pytest.mark.parametrize(("from_rate", "to_rate"), [(44100, 16000), (48000, 24000), (16000, 48000), (192_000, 16000), (11025, 48000)])
def test_a_sine_keeps_amplitude_frequency_and_phase(from_rate: int, to_rate: int) -> None:
    frequency, amplitude = 1000.0, 0.5
    made = resample(
        (amplitude * np.sin(2 * np.pi * frequency * np.arange(2 * from_rate) / from_rate)).astype(np.float32), from_rate, to_rate
    )
    expected = amplitude * np.sin(2 * np.pi * frequency * np.arange(2 * to_rate) / to_rate)
    edge = to_rate // 10
    assert made.dtype == np.float32
    np.testing.assert_allclose(made[edge:-edge], expected[edge:-edge], rtol=0, atol=2e-5)


def test_what_the_lower_rate_cannot_hold_is_removed() -> None:
    above = np.sin(2 * np.pi * 10_000 * np.arange(44100) / 44100).astype(np.float32)
    assert np.abs(resample(above, 44100, 16000)[1000:-1000]).max() < 1e-4


def test_equal_rates_change_nothing() -> None:
    audio = np.random.default_rng(0).normal(size=1000).astype(np.float32)
    assert np.array_equal(resample(audio, 44100, 44100), audio)


@given(RATES, RATES, st.integers(0, 50_000))
@settings(max_examples=60)
def test_the_length_is_the_rounded_one(from_rate: int, to_rate: int, samples: int) -> None:
    made = resample(np.ones(samples, np.float32), from_rate, to_rate)
    assert abs(len(made) - samples * to_rate / from_rate) <= 0.5
    assert np.isfinite(made).all()
