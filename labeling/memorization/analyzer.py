"""audfprint2's search for spectral peaks, with another floor. The import takes a second, so memorization.landmarks does it late."""

import logging

import numpy as np
import numpy.typing as npt
from audfprint2.core.analyzer import HPF_POLE, Analyzer, landmarks2hashes
from audfprint2.utils.stft import stft
from scipy.signal import lfilter

_root = logging.getLogger()
_before = (_root.level, list(_root.handlers))

# audfprint2 sets up logging for the whole process when it is imported.
_root.setLevel(_before[0])
_root.handlers[:] = _before[1]

_SILENT = 1e-9


class LevelAnalyzer(Analyzer):
    """The library's analyzer, with a floor `floor_db` below the loudest point instead of 120 dB, and without its loop over frequencies."""

    def __init__(self, density: float, hop: int, floor_db: float) -> None:
        super().__init__(density)
        self.n_hop = hop
        self.floor_db = floor_db

    def landmarks(self, audio: npt.NDArray[np.float64]) -> npt.NDArray[np.int32]:
        """(samples,) -> (n, 2): frame and hash of each landmark."""
        return landmarks2hashes(self.peaks2landmarks(self.find_peaks(audio, 0)))

    def find_peaks(self, d: npt.NDArray[np.float64], sr: int) -> list[tuple[int, int]]:  # noqa: ARG002
        """(samples,) -> peaks (frame, bin), by frame."""
        if len(d) <= self.n_fft:
            return []
        window = np.hanning(self.n_fft + 2)[1:-1]
        level = np.abs(stft(d, n_fft=self.n_fft, hop_length=self.n_hop, window=window))
        if level.max() < _SILENT:
            return []
        level = np.log(np.maximum(level, level.max() * 10 ** (-self.floor_db / 20)))
        rises = lfilter([1, -1], [1, -HPF_POLE], level - level.mean(), axis=1)[:-1]
        decay = 1 - 0.01 * (self.density * np.sqrt(self.n_hop / 352.8) / 35)
        peaks = self._decaying_threshold_fwd_prune(rises, decay)
        peaks = self._decaying_threshold_bwd_prune_peaks(rises, peaks, decay)
        return [(int(frame), int(bin_)) for frame, bin_ in zip(*np.nonzero(peaks.T), strict=True)]
