"""The log-mel front end of musicnn, in float32 (the package's own casts to float16 and overflows on loud audio).

16 kHz; Hann window of 512 samples every 256, zeros beyond both ends; power; 96 Slaney mel bands of unit area from 0 to 8 kHz; log10(10000 m + 1).
"""

import numpy as np
import numpy.typing as npt
import torch

from labeling.scorers.musicnn import BANDS, FRAMES

Float32s = npt.NDArray[np.float32]

SAMPLE_RATE = 16000
FFT = 512
HOP = 256
WINDOW_SECONDS = FRAMES * HOP / SAMPLE_RATE
LINEAR_HZ = 200.0 / 3.0
BREAK_HZ = 1000.0
LOG_STEP = np.log(6.4) / 27.0


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


def _hertz_to_mel(hertz: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Slaney's Auditory Toolbox: linear up to 1 kHz (15 mels), then 27 mels for a factor of 6.4."""
    return np.where(hertz < BREAK_HZ, hertz / LINEAR_HZ, 15.0 + np.log(np.maximum(hertz, BREAK_HZ) / BREAK_HZ) / LOG_STEP)


def _mel_to_hertz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.where(mel < 15.0, mel * LINEAR_HZ, BREAK_HZ * np.exp((mel - 15.0) * LOG_STEP))


def _filters() -> torch.Tensor:
    """(96, 257) triangles whose corners are equally spaced in mel, each scaled to unit area in hertz."""
    corners = _mel_to_hertz(np.linspace(0.0, _hertz_to_mel(np.array(SAMPLE_RATE / 2.0)), BANDS + 2))
    bins = np.arange(FFT // 2 + 1) * (SAMPLE_RATE / FFT)
    left, centre, right = corners[:-2, None], corners[1:-1, None], corners[2:, None]
    triangles = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre)).clip(min=0.0)
    return torch.from_numpy((2.0 / (right - left) * triangles).astype(np.float32))


_FILTERS = _filters()
