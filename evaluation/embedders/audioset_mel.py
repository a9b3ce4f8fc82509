"""The front end of Google's AudioSet networks (YAMNet, VGGish): patches of log-mel frames.

16 kHz, frames of 400 samples every 160, periodic Hann, Fourier transform of 512, magnitude; 64 mel bands (HTK's scale) from 125 to 7500 Hz,
triangles with straight sides in mel and a peak of 1, nothing of the bin at 0 Hz; ln(band + offset). The offset is 0.001 for YAMNet and 0.01
for VGGish (tensorflow/models, research/audioset: yamnet/params.py, vggish/vggish_params.py).
"""

import numpy as np
import torch
from torch import Tensor

from noise2music.core.arrays import Float32s, Float64s

SAMPLE_RATE = 16000
FRAME, HOP, FFT = 400, 160, 512
BANDS, LOW, HIGH = 64, 125.0, 7500.0
PATCH = 96
LEAST_SAMPLES = (PATCH - 1) * HOP + FRAME
"""Of one patch: 15,600, which is 0.975 s."""


def mel_triangles() -> Float64s:
    """(bands, bins)."""
    bins = _mel(np.arange(FFT // 2 + 1, dtype=np.float64) * (SAMPLE_RATE / FFT))
    low, high = (float(mel) for mel in _mel(np.array([LOW, HIGH], np.float64)))
    corners = np.linspace(low, high, BANDS + 2)
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    filters: Float64s = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clip(min=0.0)
    filters[:, 0] = 0.0
    return filters


def log_mel(audio: Float32s, offset: float) -> Tensor:
    """(samples,) mono at 16 kHz -> (frames, 64) float32. Frames are not centred, and what does not fill one is dropped."""
    waveform = torch.from_numpy(audio).clone()
    frames = waveform.unfold(0, FRAME, HOP) * _WINDOW
    spectrum = torch.view_as_real(torch.fft.rfft(frames, FFT)[:, _HEARD])
    real, imaginary = spectrum[..., 0], spectrum[..., 1]
    magnitude = torch.addcmul(real.square(), imaginary, imaginary).sqrt_()  # Three times as fast as abs of complex numbers.
    return (magnitude @ _FILTERS).add_(offset).log_()


def patches(audio: Float32s, offset: float, hop: int) -> Tensor:
    """(samples,) mono at 16 kHz, at least LEAST_SAMPLES -> (patches, 96, 64), one every `hop` frames; what does not fill one is dropped."""
    return log_mel(audio, offset).unfold(0, PATCH, hop).transpose(1, 2).contiguous()


def _mel(hertz: Float64s) -> Float64s:
    return np.asarray(1127.0 * np.log1p(hertz / 700.0))


_WINDOW = torch.hann_window(FRAME)
_HEARD = slice(int(LOW * FFT / SAMPLE_RATE), int(HIGH * FFT / SAMPLE_RATE) + 1)
"""Bins that a band can hear."""
_FILTERS = torch.from_numpy(mel_triangles().T[_HEARD].astype(np.float32)).contiguous()
