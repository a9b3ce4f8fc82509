"""The log-mel front end of musicnn, in float32 (the package's own casts to float16 and overflows on loud audio).

16 kHz; Hann window of 512 samples every 256, zeros beyond both ends;
power; 96 Slaney mel bands of unit area from 0 to 8 kHz; log10(10000 m + 1).
"""

import numpy as np
import torch

from labeling.mel import mel_filterbank
from labeling.scorers.base import Float32s
from labeling.scorers.musicnn import BANDS, FRAMES

SAMPLE_RATE = 16000
FFT = 512
HOP = 256
WINDOW_SECONDS = FRAMES * HOP / SAMPLE_RATE


def log_mel(audio: Float32s) -> torch.Tensor:
    """(samples,) mono at 16 kHz -> (1 + samples // 256, 96) float32."""
    spectrum = torch.stft(
        torch.from_numpy(np.ascontiguousarray(audio, np.float32)),
        FFT,
        HOP,
        window=torch.hann_window(FFT),
        center=True,
        pad_mode="constant",
        return_complex=True,
    )
    power = spectrum.real.square() + spectrum.imag.square()
    return torch.log10(10000.0 * (_FILTERS @ power) + 1.0).T


def windows(audio: Float32s) -> torch.Tensor:
    """(samples,) mono at 16 kHz -> (windows, 187, 96): windows of 3 s without overlap.

    What is left after the last full window is dropped. A clip shorter than one window is repeated, frame by frame from its start,
    until it fills one, as in the taggers' training.
    """
    frames = log_mel(audio)
    if len(frames) < FRAMES:
        frames = frames.repeat(-(-FRAMES // len(frames)), 1)
    count = len(frames) // FRAMES
    return frames[: count * FRAMES].reshape(count, FRAMES, BANDS)


_FILTERS = torch.from_numpy(mel_filterbank(SAMPLE_RATE, FFT, BANDS, 0.0, SAMPLE_RATE / 2).astype(np.float32))
