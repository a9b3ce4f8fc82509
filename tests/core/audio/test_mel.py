"""Our filter banks and our log-mel front end against transformers' own, which are computed otherwise (numpy, frame by frame)."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers.audio_utils import mel_filter_bank

from noise2music.core.audio.mel import POWER_FLOOR, LogMel, Norm, Scale, hertz_to_mel, mel_filterbank, mel_to_hertz
from tests.small_clap import feature_extractor

RATE = 48000


@pytest.mark.parametrize("scale", ["slaney", "htk"])
@pytest.mark.parametrize("norm", ["slaney", None])
@pytest.mark.parametrize("shape", [(48000, 1024, 64, 50.0, 14000.0), (16000, 512, 96, 0.0, 8000.0), (44100, 2048, 128, 27.5, 16000.0)])
def test_filterbank_equals_transformers(shape: tuple[int, int, int, float, float], scale: Scale, norm: Norm | None) -> None:
    rate, n_fft, mels, low, high = shape
    reference = mel_filter_bank(n_fft // 2 + 1, mels, low, high, rate, norm=norm, mel_scale=scale).T
    ours = mel_filterbank(rate, n_fft, mels, low, high, scale, norm)
    assert ours.shape == (mels, n_fft // 2 + 1)
    np.testing.assert_allclose(ours, reference, rtol=0, atol=1e-7)


@given(st.floats(0.0, 24000.0), st.sampled_from(["slaney", "htk"]))
@settings(max_examples=200)
def test_mel_scale_round_trip(hertz: float, scale: Scale) -> None:
    assert mel_to_hertz(hertz_to_mel(np.array(hertz), scale), scale) == pytest.approx(hertz, rel=1e-9, abs=1e-9)


def test_slaney_scale_known_points() -> None:
    """Slaney's Auditory Toolbox: 15 mels at 1 kHz, 27 more for a factor of 6.4; the halves meet there."""
    np.testing.assert_allclose(hertz_to_mel(np.array([0.0, 500.0, 1000.0, 6400.0])), [0.0, 7.5, 15.0, 42.0], atol=1e-12)


def test_normalised_triangles_have_area_one() -> None:
    """Fine bins make the sum an integral; each filter's area in Hz is then 1."""
    bank = mel_filterbank(16000, 1 << 16, 40, 100.0, 7000.0)
    np.testing.assert_allclose(bank.sum(axis=1) * 16000 / (1 << 16), 1.0, atol=1e-3)


@pytest.mark.parametrize(("low", "high"), [(100.0, 100.0), (200.0, 100.0), (0.0, 9000.0), (-1.0, 4000.0)])
def test_impossible_range_is_refused(low: float, high: float) -> None:
    with pytest.raises(ValueError, match="16000"):
        mel_filterbank(16000, 512, 8, low, high)


def signals() -> dict[str, np.ndarray]:
    rng, time = np.random.default_rng(0), np.arange(10 * RATE) / RATE
    noise = rng.standard_normal(10 * RATE)
    return {
        "noise": 0.1 * noise,
        "quiet noise": 1e-4 * noise,
        "loud noise": 3.0 * noise,
        "silence": np.zeros(10 * RATE),
        "pure tone": 0.5 * np.sin(2 * np.pi * 440.0 * time),
        "decay": np.exp(-20.0 * time) * np.sin(2 * np.pi * 220.0 * time),
        "clicks": (rng.random(10 * RATE) > 0.9999).astype(np.float64),
    }


@pytest.mark.parametrize("fusion", [False, True])
def test_log_mel_equals_clap_feature_extractor(fusion: bool) -> None:
    """Within 1e-4 dB on every bin of every signal, leakage beside a pure tone included."""
    named = {name: audio.astype(np.float32) for name, audio in signals().items()}
    front_end = LogMel(scale="htk", norm=None) if fusion else LogMel()
    reference = feature_extractor(fusion)(list(named.values()), sampling_rate=RATE, return_tensors="np")["input_features"][:, 0]
    ours = front_end(torch.from_numpy(np.stack(list(named.values())))).numpy()
    assert ours.shape == reference.shape == (len(named), 1001, 64)
    for number, name in enumerate(named):
        assert np.abs(ours[number] - reference[number]).max() < 1e-4, name


def test_silence_is_the_floor() -> None:
    assert (LogMel()(torch.zeros(1, 48000)) == 10.0 * np.log10(POWER_FLOOR)).all()


def test_a_window_does_not_depend_on_the_others() -> None:
    audio = torch.randn(5, 48000, generator=torch.Generator().manual_seed(0))
    together = LogMel()(audio)
    for number in range(5):
        assert torch.equal(LogMel()(audio[number : number + 1])[0], together[number])
