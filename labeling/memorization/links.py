"""Decides which pairs are copies: at one offset they share enough chains of the shorter one, and clearly more than at any other offset.

Two pieces with the same drum loop share its chains at every repetition of the loop; a copy shares most of its chains at one offset.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from noise2music.labeling.memorization.chains import Uint32s
from noise2music.labeling.memorization.inverted_index import Votes
from noise2music.labeling.memorization.landmarks import FRAMES_A_SECOND, Int32s

LEAST_VOTES = 8
LEAST_LEAD = 0.08
"""The share at the best offset minus the share at the next best. Measured by benchmarks/copies_heard.py."""
SURE_SHARE = 0.3
"""From this share on it is a copy whatever the next best: music made of loops resembles itself at several offsets."""

_SLACK = 2
_AWAY = 4
_RANGE = 1 << 22


@dataclass(frozen=True)
class Links:
    """Pairs that are copies. one < other: numbers of recordings. votes: chains in common at the best offset, in frames; all (n,)."""

    one: Uint32s
    other: Uint32s
    votes: Int32s
    offsets: Int32s


NO_LINKS = Links(np.zeros(0, np.uint32), np.zeros(0, np.uint32), np.zeros(0, np.int32), np.zeros(0, np.int32))


def find_links(votes: Votes, sizes: npt.NDArray[np.integer]) -> Links:
    """All votes of some pairs, and the number of chains of every recording -> the pairs that are copies, in order."""
    pair = (votes.one.astype(np.uint64) << np.uint64(32)) | votes.other
    order = np.argsort(pair, kind="stable")
    _, start, count = np.unique(pair[order], return_index=True, return_counts=True)
    order = order[np.repeat(count >= LEAST_VOTES, count)]
    _, start, number, count = np.unique(pair[order], return_index=True, return_inverse=True, return_counts=True)
    if not len(order):
        return NO_LINKS
    key = np.sort(number * _RANGE + votes.offsets[order] + _RANGE // 2)
    support = np.searchsorted(key, key + _SLACK, "right") - np.arange(len(key))
    best = np.maximum.reduceat(support, start)
    at = np.minimum.reduceat(np.where(support == np.repeat(best, count), key, np.iinfo(np.int64).max), start)
    near = np.abs(key - np.repeat(at, count)) <= _SLACK + _AWAY
    following = np.maximum.reduceat(np.where(near, 0, support), start)
    one, other = votes.one[order][start], votes.other[order][start]
    size = np.maximum(1, np.minimum(sizes[one], sizes[other]))
    is_copy = (best >= LEAST_VOTES) & ((best - following >= LEAST_LEAD * size) | (best >= SURE_SHARE * size))
    offsets = at % _RANGE - _RANGE // 2 + _SLACK // 2
    return Links(one[is_copy], other[is_copy], best[is_copy].astype(np.int32), offsets[is_copy].astype(np.int32))


def milliseconds(frames: int) -> int:
    """Frames of landmarks in milliseconds."""
    return round(1000 * frames / FRAMES_A_SECOND)


def connected(pairs: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Pairs of numbers -> for every number in a pair the smallest number that it is connected with. The order of pairs does not matter."""
    parent: dict[int, int] = {}

    def root(number: int) -> int:
        top = number
        while parent.setdefault(top, top) != top:
            top = parent[top]
        while parent[number] != top:
            parent[number], number = top, parent[number]
        return top

    for one, other in pairs:
        low, high = sorted((root(one), root(other)))
        parent[high] = low
    return {number: root(number) for number in list(parent)}
