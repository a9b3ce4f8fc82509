"""Resampling, spectrogram and blur against closed forms."""

import numpy as np
import pytest
import torch

from noise2music.models.signal.filters import blur
from noise2music.models.signal.log_mel import LOG_MEL
from noise2music.models.signal.resample import downsample, fft_upsample


def wave(hertz: float, rate: int, seconds: float = 1.0, phase: float = 0.3) -> torch.Tensor:
    return torch.sin(2 * torch.pi * hertz * torch.arange(round(seconds * rate)).double() / rate + phase)[None].float()


@pytest.mark.parametrize(("rate", "new"), [(3_200, 16_000), (16_000, 24_000), (3_200, 24_000)])
def test_upsampling_is_exact_on_band_limited_signals(rate: int, new: int) -> None:
    """Whole periods in the excerpt and less than half the rate: the same sine at the higher rate."""
    for hertz in (0, 1, 40, 441, rate // 2 - 1):
        assert torch.allclose(fft_upsample(wave(hertz, rate), rate, new), wave(hertz, new), atol=2e-4 if hertz > 1000 else 1e-5)


def test_upsampled_samples_go_through_the_old_ones() -> None:
    noise = torch.randn(2, 320)
    assert torch.allclose(fft_upsample(noise, 3_200, 16_000)[:, ::5], noise, atol=1e-4)


@pytest.mark.parametrize("new", [3_200, 16_000])
def test_downsampling_keeps_what_fits_and_nothing_else(new: int) -> None:
    middle = slice(new // 4, -new // 4)
    for share in (0.02, 0.3, 0.8):
        hertz = share * new / 2
        assert torch.allclose(downsample(wave(hertz, 24_000), 24_000, new)[:, middle], wave(hertz, new)[:, middle], atol=2e-3)
    for share in (1.1, 1.4):
        assert downsample(wave(share * new / 2, 24_000), 24_000, new)[:, middle].abs().max() < 10 ** (-100 / 20)
    with pytest.raises(ValueError, match="no whole number of samples"):
        downsample(torch.zeros(1, 7), 24_000, new)


def test_down_and_up_is_the_low_pass() -> None:
    low = wave(500, 24_000)
    back = fft_upsample(downsample(low, 24_000, 3_200), 3_200, 24_000)
    assert torch.allclose(back[:, 6000:-6000], low[:, 6000:-6000], atol=5e-3)


def slaney_log_mel(audio: np.ndarray) -> np.ndarray:
    """librosa's formulas written out: Hann STFT, power, Slaney mel filters of unit area, dB, then the project's range."""
    n_fft, hop, rate, mels = 1024, 160, 16_000, 80
    padded = np.pad(audio, n_fft // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, n_fft)[::hop][: len(audio) // hop]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n_fft) / n_fft)
    power = np.abs(np.fft.rfft(frames * window)) ** 2

    def to_mel(hertz: np.ndarray) -> np.ndarray:
        return np.where(hertz < 1000, hertz * 3 / 200, 15 + np.log(np.maximum(hertz, 1e-9) / 1000) / (np.log(6.4) / 27))

    def to_hertz(mel: np.ndarray) -> np.ndarray:
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    edges = to_hertz(np.linspace(to_mel(np.array(20.0)), to_mel(np.array(8000.0)), mels + 2))
    bins = np.arange(n_fft // 2 + 1) * rate / n_fft
    rising = (bins - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - bins) / (edges[2:] - edges[1:-1])[:, None]
    filters = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    decibels = 10 * np.log10(np.maximum(filters @ power.T, 1e-10))
    return np.maximum(-1, (decibels + 20) / 50)


def test_log_mel_is_librosas_formula() -> None:
    generator = np.random.default_rng(0)
    audio = (0.1 * generator.normal(size=16_000) + 0.3 * np.sin(np.arange(16_000) * 0.2)) * np.linspace(0, 1, 16_000) ** 3
    found = LOG_MEL(torch.from_numpy(audio).float()[None])[0].numpy()
    assert found.shape == (80, 100)
    np.testing.assert_allclose(found, slaney_log_mel(audio), atol=2e-3)


def test_the_range_holds_silence_and_full_scale() -> None:
    assert torch.equal(LOG_MEL(torch.zeros(1, 1600)), torch.full((1, 80, 10), -1.0))
    assert 0.9 < float(LOG_MEL(wave(440, 16_000)).max()) < 1.1


def test_blur_of_an_impulse_is_its_kernel() -> None:
    impulse = torch.zeros(1, 1, 21)
    impulse[..., 10] = 1
    kernel = np.exp(-0.5 * (np.arange(-2, 3) / 0.8) ** 2)
    found = blur(impulse, 5, torch.tensor([0.8]), both_axes=False)
    np.testing.assert_allclose(found[0, 0, 8:13].numpy(), kernel / kernel.sum(), atol=1e-6)
    constant = torch.full((2, 4, 9), 3.0)
    assert torch.allclose(blur(constant, 5, torch.tensor([0.3, 1.0]), both_axes=True), constant)
    assert torch.allclose(blur(constant, 10, torch.tensor([0.1, 5.0]), both_axes=False), constant)


def test_blur_is_of_each_row_alone() -> None:
    signal = torch.randn(3, 80, 20)
    deviations = torch.tensor([0.2, 0.6, 1.0])
    alone = [blur(signal[n : n + 1], 5, deviations[n : n + 1], both_axes=True) for n in range(3)]
    assert torch.allclose(blur(signal, 5, deviations, both_axes=True), torch.cat(alone), atol=1e-6)
