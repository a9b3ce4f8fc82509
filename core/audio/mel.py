"""Mel filter banks, and the log-mel spectrogram that CLAP's audio tower reads.

Scales: Slaney's Auditory Toolbox (1998): 200/3 Hz a mel up to 1 kHz, then 27 mels for each factor of 6.4. HTK: 2595 log10(1 + f/700).
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import numpy as np
import numpy.typing as npt
import torch

Float64s = npt.NDArray[np.float64]
Scale = Literal["slaney", "htk"]
Norm = Literal["slaney"]

POWER_FLOOR = 1e-10
_SLANEY_BREAK_HZ = 1000.0
_SLANEY_BREAK_MEL = 15.0
_SLANEY_MELS_PER_LOG = 27.0 / np.log(6.4)


def hertz_to_mel(hertz: Float64s, scale: Scale = "slaney") -> Float64s:
    """Frequencies in Hz -> mels, any shape."""
    if scale == "htk":
        return np.asarray(2595.0 * np.log10(1.0 + hertz / 700.0))
    above = _SLANEY_BREAK_MEL + _SLANEY_MELS_PER_LOG * np.log(np.maximum(hertz, _SLANEY_BREAK_HZ) / _SLANEY_BREAK_HZ)
    return np.where(hertz < _SLANEY_BREAK_HZ, hertz * 3.0 / 200.0, above)


def mel_to_hertz(mels: Float64s, scale: Scale = "slaney") -> Float64s:
    """The inverse of `hertz_to_mel`."""
    if scale == "htk":
        return np.asarray(700.0 * (10.0 ** (mels / 2595.0) - 1.0))
    above = _SLANEY_BREAK_HZ * np.exp((np.maximum(mels, _SLANEY_BREAK_MEL) - _SLANEY_BREAK_MEL) / _SLANEY_MELS_PER_LOG)
    return np.where(mels < _SLANEY_BREAK_MEL, mels * 200.0 / 3.0, above)


def mel_filterbank(
    sample_rate: int, n_fft: int, mels: int, low: float, high: float, scale: Scale = "slaney", norm: Norm | None = "slaney"
) -> Float64s:
    """Triangular filters over the n_fft // 2 + 1 bins of a power spectrum: (mels, bins).

    Corners are equally spaced in mel between `low` and `high` (Hz); the sides are straight in Hz. norm "slaney": every
    triangle has area 1 in Hz; None: every peak is 1. Raises ValueError where the range is empty or passes half the sample rate.
    """
    if not 0.0 <= low < high <= sample_rate / 2.0:
        raise ValueError(f"mel filters from {low} to {high} Hz do not fit a sample rate of {sample_rate} Hz")
    bounds = hertz_to_mel(np.array([low, high], np.float64), scale)
    corners = mel_to_hertz(np.linspace(bounds[0], bounds[1], mels + 2), scale)
    bins = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    filters: Float64s = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clip(min=0.0)
    return filters * (2.0 / (right - left)) if norm == "slaney" else filters


@dataclass(frozen=True)
class LogMel:
    """Power mel spectrogram in dB: periodic Hann window of `n_fft` samples, frames centred, reflected at both ends.

    The floor is 1e-10 (-100 dB), as in transformers' ClapFeatureExtractor, which this equals within 1e-4 dB. The transform
    is taken in double precision: in single precision the rounding beside a pure tone is louder than the floor.
    """

    sample_rate: int = 48000
    n_fft: int = 1024
    hop: int = 480
    mels: int = 64
    low: float = 50.0
    high: float = 14000.0
    scale: Scale = "slaney"
    norm: Norm | None = "slaney"

    def __call__(self, audio: torch.Tensor) -> torch.Tensor:
        """(windows, samples) float32 -> (windows, 1 + samples // hop, mels) float32 in dB. samples must exceed n_fft / 2."""
        window = _hann(self.n_fft).to(audio.device)
        spectrum = torch.stft(audio.double(), self.n_fft, self.hop, window=window, center=True, pad_mode="reflect", return_complex=True)
        power = torch.view_as_real(spectrum).float().square().sum(-1)
        decibels = (_filters(self).to(audio.device) @ power).clamp_(min=POWER_FLOOR).log10_().mul_(10.0)
        return decibels.transpose(1, 2).contiguous()

    def filters(self) -> torch.Tensor:
        """(mels, n_fft // 2 + 1) float32."""
        return _filters(self)


@lru_cache(maxsize=8)
def _hann(n_fft: int) -> torch.Tensor:
    return torch.hann_window(n_fft, periodic=True, dtype=torch.float64)


@lru_cache(maxsize=8)
def _filters(front_end: LogMel) -> torch.Tensor:
    bank = mel_filterbank(
        front_end.sample_rate, front_end.n_fft, front_end.mels, front_end.low, front_end.high, front_end.scale, front_end.norm
    )
    return torch.from_numpy(bank.astype(np.float32))
