"""The fingerprint of audio: pairs of spectral peaks (Wang 2003), found by audfprint2.

Its own table and matcher are not used: the table drops landmarks at random once a bucket is full, and is read with pickle.
"""

import logging
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labeling.resample import resample
from labeling.scorers.base import Float32s

Int32s = npt.NDArray[np.int32]

_root = logging.getLogger()
_before = (_root.level, list(_root.handlers))
from audfprint2.core.analyzer import HPF_POLE, Analyzer, landmarks2hashes  # noqa: E402
from audfprint2.utils.stft import stft  # noqa: E402
from scipy.signal import lfilter  # noqa: E402

# audfprint2 sets up logging for the whole process when it is imported.
_root.setLevel(_before[0])
_root.handlers[:] = _before[1]

VERSION = 1
RATE = 5512
HOP = 128
FRAMES_A_SECOND = RATE / HOP
DENSITY = 50.0
FLOOR_DB = 50.0
"""What lies this far below the loudest point is level: noise under the music makes no peaks (measured in benchmarks/duplicates.py)."""
QUERY_SHIFTS = 4
"""A query's frames lie between those of the clip; so many parts of a frame are tried."""

_SILENT = 1e-9


@dataclass(frozen=True)
class Landmarks:
    """times (n,) int32: frames of HOP samples at RATE, ascending. hashes (n,) int32 in [0, 2^20): two frequencies and the time between."""

    times: Int32s
    hashes: Int32s

    def between(self, start: int, end: int) -> "Landmarks":
        """Those of the frames [start, end), counted from `start`."""
        kept = slice(*np.searchsorted(self.times, [start, end]))
        return Landmarks(self.times[kept] - np.int32(start), self.hashes[kept])


def find_landmarks(audio: Float32s, rate: int, shifts: int = 1) -> Landmarks:
    """(samples,) mono at `rate` Hz -> its landmarks, none for silence. `shifts`: 1 for what is looked up, QUERY_SHIFTS for a query."""
    low = resample(audio, rate, RATE).astype(np.float64)
    analyzer = _Analyzer(DENSITY)
    found = [landmarks2hashes(analyzer.peaks2landmarks(analyzer.find_peaks(low[HOP * shift // shifts :], RATE))) for shift in range(shifts)]
    rows = np.unique(np.concatenate(found), axis=0).astype(np.int32)
    return Landmarks(np.ascontiguousarray(rows[:, 0]), np.ascontiguousarray(rows[:, 1]))


class _Analyzer(Analyzer):
    """The library's, with a floor of FLOOR_DB below the loudest point instead of 120 dB, and without its loop over frequencies."""

    def __init__(self, density: float) -> None:
        super().__init__(density)
        self.n_hop = HOP

    def find_peaks(self, d: npt.NDArray[np.float64], sr: int) -> list[tuple[int, int]]:  # noqa: ARG002
        """(samples,) -> peaks (frame, bin), by frame."""
        if len(d) <= self.n_fft:
            return []
        window = np.hanning(self.n_fft + 2)[1:-1]
        level = np.abs(stft(d, n_fft=self.n_fft, hop_length=self.n_hop, window=window))
        if level.max() < _SILENT:
            return []
        level = np.log(np.maximum(level, level.max() * 10 ** (-FLOOR_DB / 20)))
        rises = lfilter([1, -1], [1, -HPF_POLE], level - level.mean(), axis=1)[:-1]
        decay = 1 - 0.01 * (self.density * np.sqrt(self.n_hop / 352.8) / 35)
        peaks = self._decaying_threshold_fwd_prune(rises, decay)
        peaks = self._decaying_threshold_bwd_prune_peaks(rises, peaks, decay)
        return [(int(frame), int(bin_)) for frame, bin_ in zip(*np.nonzero(peaks.T), strict=True)]
