"""Recordings that share chains: an inverted index, a bucket of hashes at a time, gives votes for pairs of recordings and an offset.

Votes are bounded by the entries: a chain that more than MOST_SHARED recordings have gives only pairs with the first FIRST_FEW of them,
which still ties a group of a thousand copies together.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from labeling.duplicates.chains import MOST_REPEATS, Uint32s
from labeling.duplicates.landmarks import Int32s
from labeling.ids import mix

MOST_SHARED = 16
FIRST_FEW = 4
AT_ONCE = 1 << 18

_HASHES = 1 << 32


@dataclass(frozen=True)
class Entries:
    """hashes, tracks (numbers) and times of chains; all (n,)."""

    hashes: Uint32s
    tracks: Uint32s
    times: Int32s


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
    """All votes of a pair fall into one."""
    pair = (votes.one.astype(np.uint64) << np.uint64(32)) | votes.other
    return (mix(pair) % np.uint64(buckets)).astype(np.int64)


def votes(entries: Entries) -> Iterator[Votes]:
    """All entries of some hashes -> votes, some at a time."""
    order = np.lexsort((entries.times, entries.tracks, entries.hashes))
    hashes, tracks, times = entries.hashes[order], entries.tracks[order], entries.times[order]
    starts = np.flatnonzero(np.diff(hashes.astype(np.int64), prepend=-1))
    ends = np.append(starts[1:], len(hashes))
    begin = 0
    while begin < len(starts):
        last = int(np.searchsorted(ends, starts[begin] + AT_ONCE, "right"))
        last = max(last, begin + 1)
        rows = slice(starts[begin], ends[last - 1])
        yield _votes(hashes[rows], tracks[rows], times[rows], starts[begin:last] - starts[begin])
        begin = last


def _votes(hashes: Uint32s, tracks: Uint32s, times: Int32s, starts: npt.NDArray[np.int64]) -> Votes:
    lengths = np.diff(np.append(starts, len(hashes)))
    first = np.repeat(starts, lengths)
    is_new = np.append(True, (tracks[1:] != tracks[:-1]) | (hashes[1:] != hashes[:-1]))
    # The number of a row's recording among those with its hash.
    place = np.cumsum(is_new)
    place = place - place[first]
    shared = np.repeat(np.maximum.reduceat(place, starts) + 1, lengths)
    crowded = shared > MOST_SHARED
    found = []
    # Rows before: of all recordings, or of the first few.
    for back in range(1, MOST_SHARED * MOST_REPEATS):
        later = np.flatnonzero(~crowded[back:] & (hashes[back:] == hashes[:-back])) + back
        if not len(later):
            break
        found.append((later - back, later))
    for ahead in range(FIRST_FEW * MOST_REPEATS):
        earlier = first + ahead
        rows = np.flatnonzero(crowded & (earlier < np.arange(len(hashes))))
        rows = rows[place[earlier[rows]] < FIRST_FEW]
        found.append((earlier[rows], rows))
    earlier = np.concatenate([np.zeros(0, np.int64), *(pair[0] for pair in found)])
    later = np.concatenate([np.zeros(0, np.int64), *(pair[1] for pair in found)])
    differ = tracks[earlier] != tracks[later]
    earlier, later = earlier[differ], later[differ]
    return Votes(tracks[earlier], tracks[later], times[later] - times[earlier])
