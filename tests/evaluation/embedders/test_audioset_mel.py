"""The front end does what Google's does: bands, framing, patches. (Against TensorFlow's own functions: test_saved_model.py.)"""

import numpy as np
import pytest
import torch

from noise2music.core.ids import hash_uniform
from noise2music.evaluation.embedders.audioset_mel import BANDS, LEAST_SAMPLES, log_mel, mel_triangles, patches


def noise(samples: int) -> np.ndarray:
    return (hash_uniform(5, np.arange(samples, dtype=np.uint64)) - 0.5).astype(np.float32)


def test_a_sine_lights_its_band_with_its_amplitude() -> None:
    """A full-scale sine of a bin's frequency: magnitude 100 (half the window's sum), and as much in all bands together where the
    triangles add up to one."""
    frequency = 32 * 16000 / 512
    sine = np.sin(2 * np.pi * frequency * np.arange(16000) / 16000).astype(np.float32)
    bands = torch.exp(log_mel(sine, 0.001).double()) - 0.001
    corners = 1127 * np.log1p(np.array([125.0, 7500.0, frequency]) / 700)
    place = (corners[2] - corners[0]) / (corners[1] - corners[0]) * (BANDS + 1) - 1
    assert abs(int(bands[5].argmax()) - place) < 1
    peak = mel_triangles()[:, 32] * 100.0
    leaked = mel_triangles()[:, 31] * 50.0 + mel_triangles()[:, 33] * 50.0
    assert float(bands[5].max()) == pytest.approx(float((peak + leaked).max()), rel=0.35)
    np.testing.assert_allclose(log_mel(np.zeros(1000, np.float32), 0.001), np.log(0.001), rtol=1e-6)


def test_triangles_share_all_between_their_corners() -> None:
    """Two neighbours add up to one; nothing outside, nothing at 0 Hz."""
    total = mel_triangles().sum(0)
    frequencies = np.arange(257) * 16000 / 512
    mel = 1127 * np.log1p(frequencies / 700)
    step = 1127 * (np.log1p(7500 / 700) - np.log1p(125 / 700)) / (BANDS + 1)
    inside = (mel > 1127 * np.log1p(125 / 700) + step) & (mel < 1127 * np.log1p(7500 / 700) - step)
    np.testing.assert_allclose(total[inside], 1.0, atol=1e-12)
    assert not total[(frequencies <= 125) | (frequencies >= 7500)].any()


def test_frames_and_patches_drop_what_does_not_fill_them() -> None:
    audio = noise(LEAST_SAMPLES + 48 * 160 + 100)
    frames = log_mel(audio, 0.01)
    assert frames.shape == (1 + (len(audio) - 400) // 160, 64)
    cut = patches(audio, 0.01, 48)
    assert cut.shape == (2, 96, 64)
    assert torch.equal(cut[1], frames[48:144])
    assert patches(audio[:LEAST_SAMPLES], 0.01, 96).shape == (1, 96, 64)
    window = np.hanning(401)[:-1]
    spectrum = np.abs(np.fft.rfft(audio[160:560].astype(np.float64) * window, 512))
    np.testing.assert_allclose(frames[1], np.log(mel_triangles() @ spectrum + 0.01), atol=1e-5)
