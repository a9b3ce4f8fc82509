"""Finds recordings that share chains: an inverted index, one bucket of hashes at a time, gives votes for pairs of recordings at an offset.

The number of votes is bounded. A chain in more than MOST_SHARED recordings only gives pairs with the first FIRST_FEW of them, which still
connects a group of a thousand copies.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from noise2music.core.ids import mix
from noise2music.labeling.memorization.chains import MOST_REPEATS, Uint32s
from noise2music.labeling.memorization.landmarks import Int32s

MOST_SHARED = 16
FIRST_FEW = 4
AT_ONCE = 1 << 18

_HASHES = 1 << 32

Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Entries:
    """hashes, tracks (numbers) and times of chains; all (n,)."""

    hashes: Uint32s
    tracks: Uint32s
    times: Int32s

    def take(self, rows: npt.NDArray[Any] | slice) -> "Entries":
        """Some of the rows, by number or by mask."""
        return Entries(self.hashes[rows], self.tracks[rows], self.times[rows])

    def and_then(self, others: "Entries") -> "Entries":
        """These rows and then others."""
        both = ((self.hashes, others.hashes), (self.tracks, others.tracks))
        hashes, tracks = (np.concatenate(pair) for pair in both)
        return Entries(hashes, tracks, np.concatenate([self.times, others.times]))


NO_ENTRIES = Entries(np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros(0, np.int32))


@dataclass(frozen=True)
class Votes:
    """one < other: numbers of two recordings that share a chain. offsets: frames by which it comes later in `other`; all (n,)."""

    one: Uint32s
    other: Uint32s
    offsets: Int32s


def hash_bucket(hashes: Uint32s, buckets: int) -> npt.NDArray[np.int64]:
    """Equal ranges of hashes."""
    return (hashes.astype(np.uint64) * np.uint64(buckets) // np.uint64(_HASHES)).astype(np.int64)


def pair_bucket(votes: Votes, buckets: int) -> npt.NDArray[np.int64]:
    """The bucket of each vote; all votes of a pair have the same one."""
    pair = (votes.one.astype(np.uint64) << np.uint64(32)) | votes.other
    return (mix(pair) % np.uint64(buckets)).astype(np.int64)


def votes(entries: Entries, done: Bools | None = None) -> Iterator[Votes]:
    """All entries of some hashes -> votes, some at a time. done: (n,) entries whose votes with earlier ones `settle` has given."""
    done = np.zeros(len(entries.hashes), bool) if done is None else done
    entries, done = _sorted(entries, done)
    starts = _starts(entries.hashes)
    ends = np.append(starts[1:], len(entries.hashes))
    begin = 0
    while begin < len(starts):
        last = max(begin + 1, int(np.searchsorted(ends, starts[begin] + AT_ONCE, "right")))
        rows = slice(starts[begin], ends[last - 1])
        yield from _votes(entries.take(rows), done[rows])
        begin = last


def settle(entries: Entries, done: Bools) -> tuple[Iterator[Votes], Entries, Bools]:
    """The entries so far (those of the first tracks) of some hashes -> votes of hashes that already have too many recordings, and the
    entries that are still needed for later tracks. So a chain that all recordings share need not be held in memory.
    """
    entries, done = _sorted(entries, done)
    rank, crowded = _recording_ranks(entries)
    settled_votes = votes(entries.take(crowded), done[crowded])
    needed = ~crowded | (rank <= MOST_SHARED)
    return settled_votes, entries.take(needed), (done | crowded)[needed]


def _sorted(entries: Entries, done: Bools) -> tuple[Entries, Bools]:
    order = np.lexsort((entries.times, entries.tracks, entries.hashes))
    return entries.take(order), done[order]


def _starts(hashes: Uint32s) -> npt.NDArray[np.int64]:
    return np.flatnonzero(np.diff(hashes.astype(np.int64), prepend=-1))


def _recording_ranks(entries: Entries) -> tuple[npt.NDArray[np.int64], Bools]:
    """Sorted entries -> the rank of each entry's recording among those with its hash, and whether they are too many for all pairs."""
    starts = _starts(entries.hashes)
    if not len(starts):
        return np.zeros(0, np.int64), np.zeros(0, bool)
    lengths = np.diff(np.append(starts, len(entries.hashes)))
    rank = np.cumsum(np.append(True, (np.diff(entries.tracks.astype(np.int64)) != 0) | (np.diff(entries.hashes.astype(np.int64)) != 0)))
    rank -= np.repeat(rank[starts], lengths)
    return rank, np.repeat(np.maximum.reduceat(rank, starts) >= MOST_SHARED, lengths)


def _votes(entries: Entries, done: Bools) -> Iterator[Votes]:
    hashes = entries.hashes
    starts = _starts(hashes)
    first = np.repeat(starts, np.diff(np.append(starts, len(hashes))))
    rank, crowded = _recording_ranks(entries)
    # Each row with rows before it: of all recordings, or of the first few.
    for back in range(1, MOST_SHARED * MOST_REPEATS):
        later = np.flatnonzero(~crowded[back:] & (hashes[back:] == hashes[:-back])) + back
        if not len(later):
            break
        yield _pairs(entries, later - back, later)
    for ahead in range(FIRST_FEW * MOST_REPEATS):
        earlier = first + ahead
        rows = np.flatnonzero(crowded & ~done & (earlier < np.arange(len(hashes))))
        rows = rows[rank[earlier[rows]] < FIRST_FEW]
        yield _pairs(entries, earlier[rows], rows)


def _pairs(entries: Entries, earlier: npt.NDArray[np.int64], later: npt.NDArray[np.int64]) -> Votes:
    differ = entries.tracks[earlier] != entries.tracks[later]
    earlier, later = earlier[differ], later[differ]
    return Votes(entries.tracks[earlier], entries.tracks[later], entries.times[later] - entries.times[earlier])
