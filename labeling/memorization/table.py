"""Finds the clip that landmarks come from, and how much of it they repeat."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from noise2music.core.arrays import Int64s
from noise2music.labeling.memorization.landmarks import FRAMES_A_SECOND, Int32s, Landmarks

WINDOW_SECONDS = 10.0
"""A query is compared in half-overlapping windows of this length, so a copy of ten seconds fills a window, however long the query."""
LEAST_LANDMARKS = 50
"""Shares are relative to at least so many landmarks: a passage with fewer is too plain to be recognised."""

_SLACK = 1
_TRIED = 32
_OFFSETS = 1 << 20


@dataclass(frozen=True)
class Repeated:
    """The clip (its number, -1 for none) that a query repeats most, and the share of the clip's landmarks there that the query has too."""

    clip: int
    share: float


class LandmarkTable:
    """The landmarks of many clips, sorted by hash: 12 bytes each, about 700 for 30 s of music. Looking up changes nothing."""

    def __init__(self, clips: Sequence[Landmarks]) -> None:
        times = np.concatenate([np.zeros(0, np.int32), *(clip.times for clip in clips)])
        hashes = np.concatenate([np.zeros(0, np.int32), *(clip.hashes for clip in clips)])
        self._starts = np.concatenate([np.zeros(1, np.int64), np.cumsum([len(clip.times) for clip in clips], dtype=np.int64)])
        self._times_by_clip = times
        order = np.argsort(hashes, kind="stable")
        numbers = np.repeat(np.arange(len(clips), dtype=np.int32), np.diff(self._starts))
        self._hashes, self._times, self._clips = hashes[order], times[order], numbers[order]

    def look_up(self, query: Landmarks, seconds: float) -> Repeated:
        """The landmarks of a query of `seconds` (found with QUERY_SHIFTS) -> the clip that one of its windows repeats most."""
        width = round(WINDOW_SECONDS * FRAMES_A_SECOND)
        length = max(1, round(seconds * FRAMES_A_SECOND))
        starts = range(0, max(1, length - width // 2), width // 2)
        best_of_windows = [self._best(query.between(start, min(start + width, length)), min(width, length - start)) for start in starts]
        return max(best_of_windows, key=lambda item: (item.share, -item.clip))

    def _best(self, query: Landmarks, frames: int) -> Repeated:
        """The best match of one window, among the alignments with most landmarks in common."""
        places, query_rows = self._equal(query.hashes)
        shift = self._times[places].astype(np.int64) - query.times[query_rows]
        key = self._clips[places].astype(np.int64) * _OFFSETS + shift + _OFFSETS // 2
        best = Repeated(-1, 0.0)
        for candidate in _fullest(key):
            clip, offset = int(candidate // _OFFSETS), int(candidate % _OFFSETS - _OFFSETS // 2)
            common = len(np.unique(places[np.abs(key - candidate) <= _SLACK]))
            share = min(1.0, common / max(LEAST_LANDMARKS, self._count(clip, offset, frames)))
            if (share, -clip) > (best.share, -best.clip):
                best = Repeated(clip, share)
        return best

    def _equal(self, hashes: Int32s) -> tuple[Int64s, Int64s]:
        """Places in the table with the hash of a landmark of the query, and the number of that landmark."""
        first, last = np.searchsorted(self._hashes, hashes, "left"), np.searchsorted(self._hashes, hashes, "right")
        counts = last - first
        before = np.repeat(np.cumsum(counts) - counts, counts)
        places = np.arange(counts.sum(), dtype=np.int64) - before + np.repeat(first, counts)
        return places, np.repeat(np.arange(len(hashes), dtype=np.int64), counts)

    def _count(self, clip: int, offset: int, frames: int) -> int:
        """Landmarks of a clip in the frames that the query covers."""
        times = self._times_by_clip[self._starts[clip] : self._starts[clip + 1]]
        first, last = np.searchsorted(times, [offset - _SLACK, offset + frames + _SLACK])
        return int(last - first)


def _fullest(key: Int64s) -> npt.NDArray[np.int64]:
    """The alignments that occur most often, neighbours counted in; equal ones in their order."""
    values, counts = np.unique(key, return_counts=True)
    near = counts.copy()
    for step in (-_SLACK, _SLACK):
        nearest = np.minimum(np.searchsorted(values, values + step), max(0, len(values) - 1))
        near += np.where(values[nearest] == values + step, counts[nearest], 0)
    return values[np.argsort(-near, kind="stable")[:_TRIED]]
