"""What CLAP's audio tower reads: windows of 10 s without overlap, as log-mel spectrograms."""

from dataclasses import dataclass, field

import numpy as np
import torch

from labeling.errors import RowError
from labeling.mel import LogMel
from labeling.scorers.base import Float32s

MIN_REST_SECONDS = 1.0


@dataclass(frozen=True)
class ClapFrontEnd:
    """Mono audio at `log_mel.sample_rate` -> spectrograms of windows of `seconds`."""

    log_mel: LogMel = field(default_factory=LogMel)
    seconds: int = 10

    @property
    def samples(self) -> int:
        """Samples in a window."""
        return self.seconds * self.log_mel.sample_rate

    def cut(self, audio: Float32s) -> Float32s:
        """(n,) -> (windows, samples). No crop is random and none overlaps.

        A rest of at least 1 s after the last whole window is a window of its own, filled up by `repeat_pad`; a shorter rest
        is dropped unless it is all there is. Raises RowError on no samples at all.
        """
        if len(audio) == 0:
            raise RowError("too_short", "the clip has no samples")
        whole, rest = divmod(len(audio), self.samples)
        windows = audio[: whole * self.samples].reshape(whole, self.samples)
        if whole and rest < MIN_REST_SECONDS * self.log_mel.sample_rate:
            return windows
        return np.concatenate([windows, repeat_pad(audio[whole * self.samples :], self.samples)[None]])

    def __call__(self, audio: Float32s) -> torch.Tensor:
        """(n,) -> (windows, 1, frames, mels) float32 in dB. Raises RowError on no samples at all."""
        windows = np.ascontiguousarray(self.cut(audio), np.float32)
        return self.log_mel(torch.from_numpy(windows)).unsqueeze(1)


def repeat_pad(audio: Float32s, samples: int) -> Float32s:
    """(n,), 0 < n <= samples -> (samples,): as many whole repeats as fit, then zeros (CLAP's "repeatpad")."""
    repeated = np.tile(audio, samples // len(audio))
    return np.pad(repeated, (0, samples - len(repeated)))
