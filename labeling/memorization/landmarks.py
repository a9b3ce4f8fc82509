"""Fingerprints audio by pairs of spectral peaks (Wang 2003), found by audfprint2.

The library's own table and matcher are not used: the table drops landmarks at random once a bucket is full, and is read with pickle.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from noise2music.core.arrays import Float32s
from noise2music.core.audio.resample import resample

Int32s = npt.NDArray[np.int32]

VERSION = 1
RATE = 5512
HOP = 128
FRAMES_A_SECOND = RATE / HOP
DENSITY = 50.0
FLOOR_DB = 50.0
"""Levels this far below the loudest point are flattened, so noise under the music makes no peaks. With the library's 120 dB, or with
11,025 Hz, excerpts with noise at 20 dB were often missed."""
QUERY_SHIFTS = 4
"""A query's frames are shifted against those of the clip; it is tried at this many shifts of a part of a frame."""


@dataclass(frozen=True)
class Landmarks:
    """times (n,) int32: frames of HOP samples at RATE, ascending. hashes (n,) int32 in [0, 2^20): two frequencies and the time between."""

    times: Int32s
    hashes: Int32s

    def between(self, start: int, end: int) -> "Landmarks":
        """Those of the frames [start, end), counted from `start`."""
        rows = slice(*np.searchsorted(self.times, [start, end]))
        return Landmarks(self.times[rows] - np.int32(start), self.hashes[rows])


def find_landmarks(audio: Float32s, rate: int, shifts: int = 1) -> Landmarks:
    """(samples,) mono at `rate` Hz -> its landmarks, none for silence. `shifts`: 1 for stored clips, QUERY_SHIFTS for a query."""
    from noise2music.labeling.memorization.analyzer import LevelAnalyzer

    low = resample(audio, rate, RATE).astype(np.float64)
    analyzer = LevelAnalyzer(DENSITY, HOP, FLOOR_DB)
    passes = [analyzer.landmarks(low[HOP * shift // shifts :]) for shift in range(shifts)]
    rows = np.unique(np.concatenate(passes), axis=0).astype(np.int32)
    return Landmarks(np.ascontiguousarray(rows[:, 0]), np.ascontiguousarray(rows[:, 1]))
