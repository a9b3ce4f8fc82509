"""Chains of three spectral peaks, by which all recordings are compared with all: each a number of 32 bits and a time. A quarter is used.

A landmark is a pair of peaks in 20 bits, so among a million recordings of music every landmark would be shared. A chain is two landmarks of
which one ends at the peak where the other begins. Of 8,128 pairs of different pieces, 166 shared any chain, none more than eight of some
1,600; 2,250 shared a landmark. A chain's number alone decides whether it is used, so copies use the same ones.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from noise2music.core.ids import mix
from noise2music.labeling.memorization.landmarks import Int32s, Landmarks

VERSION = 1
ONE_IN = 4
"""One chain in so many is used."""
MOST_REPEATS = 4
"""The most times that one chain counts in one recording: a loop repeats all of its chains."""

Uint32s = npt.NDArray[np.uint32]

_FREQUENCY, _STEP = 8, 6
_COARSER = np.int64(1)
"""Time between peaks is rounded to two frames, since a copy's frames are shifted against those of the recording."""


@dataclass(frozen=True)
class Chains:
    """hashes (n,) uint32; times (n,) int32: the frame of the first peak, as in Landmarks. In order of time, then hash."""

    hashes: Uint32s
    times: Int32s


def find_chains(landmarks: Landmarks) -> Chains:
    """The used chains of a recording's landmarks: some 400 for 30 s of music."""
    times = landmarks.times.astype(np.int64)
    first, second, wait = _peaks(landmarks.hashes.astype(np.int64))
    begin = (times << _FREQUENCY) | first
    end = ((times + wait) << _FREQUENCY) | second
    order = np.argsort(begin, kind="stable")
    low, high = (np.searchsorted(begin[order], end, side) for side in ("left", "right"))
    counts = high - low
    one = np.repeat(np.arange(len(times)), counts)
    other = order[np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + np.repeat(low, counts)]
    peaks = (((first[one] << _FREQUENCY) | second[one]) << _FREQUENCY) | second[other]
    waits = ((wait[one] >> _COARSER) << _STEP) | (wait[other] >> _COARSER)
    mixed = mix(((peaks << 2 * _STEP) | waits).astype(np.uint64))
    selected = mixed % np.uint64(ONE_IN) == 0
    hashes = (mixed[selected] >> np.uint64(32)).astype(np.uint32)
    rows = np.unique(np.stack([times[one][selected], hashes.astype(np.int64)], axis=1), axis=0)
    rows = rows[_occurrence(rows[:, 1]) < MOST_REPEATS]
    return Chains(rows[:, 1].astype(np.uint32), rows[:, 0].astype(np.int32))


def _peaks(hashes: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """audfprint2's 20 bits -> frequency of the first peak, of the second, and frames between them."""
    first, step = (hashes >> 2 * _STEP) & 255, (hashes >> _STEP) & 63
    return first, (first + np.where(step < 32, step, step - 64)) & 255, hashes & 63


def _occurrence(values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """(n,) -> how many equal values come before each."""
    order = np.argsort(values, kind="stable")
    starts = np.flatnonzero(np.diff(values[order], prepend=values[order][:1] - 1))
    lengths = np.diff(np.append(starts, len(values)))
    occurrence = np.arange(len(values)) - np.repeat(starts, lengths)
    result = np.empty(len(values), np.int64)
    result[order] = occurrence
    return result
