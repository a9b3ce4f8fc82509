"""The spectrogram of the cascade: 80-channel log-mel at 100 frames/s of 16 kHz audio, scaled to [-1, 1] (paper section 4.4).

The paper gives channels, frame rate and range. Chosen here: Hann window of 1024 samples (64 ms), centred and reflected at the ends, Slaney
filters of unit area from 20 Hz to 8 kHz, power in dB, and -70 dB to +30 dB as the ends of the range. A full-scale sine reaches about
+32 dB; music at -20 dBFS lies between -60 and +15 dB.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from noise2music.core.audio.mel import LogMel


@dataclass(frozen=True)
class LogMelScale:
    """Constants of the spectrogram, kept with every checkpoint."""

    rate: int = 16_000
    n_fft: int = 1024
    hop: int = 160
    mels: int = 80
    low_hz: float = 20.0
    high_hz: float = 8_000.0
    floor_db: float = -70.0
    top_db: float = 30.0

    @property
    def front_end(self) -> LogMel:
        """The unscaled spectrogram, in dB."""
        return LogMel(sample_rate=self.rate, n_fft=self.n_fft, hop=self.hop, mels=self.mels, low=self.low_hz, high=self.high_hz)

    def __call__(self, audio: Tensor) -> Tensor:
        """(B, samples) at `rate` -> (B, mels, samples // hop). Below the floor -1; louder than the top is above 1, unclipped."""
        decibels = self.front_end(audio)[:, : audio.shape[-1] // self.hop].transpose(1, 2)
        middle, half = self._range
        return (decibels - middle).div(half).clamp(min=-1.0)

    def power(self, spectrogram: Tensor) -> Tensor:
        """(B, mels, T) scaled -> the power that it stands for; the floor is silence."""
        middle, half = self._range
        return torch.where(spectrogram > -1, 10 ** ((spectrogram * half + middle) / 10), 0.0)

    @property
    def _range(self) -> tuple[float, float]:
        """The middle of the range and half of its width, dB."""
        return (self.top_db + self.floor_db) / 2, (self.top_db - self.floor_db) / 2


LOG_MEL = LogMelScale()
