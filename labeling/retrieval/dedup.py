"""Removes captions that say the same thing from a clip's candidates ("piano", "pianos", "piano music").

Greedy down the ranks: a caption is skipped when its text cosine to an earlier kept one is at or above the threshold.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from noise2music.core.arrays import Float32s, Int64s
from noise2music.labeling.retrieval.cosine import MILLION, millionths
from noise2music.labeling.retrieval.nearest import Ranking

Bools = npt.NDArray[np.bool_]

_FIRST_DEPTH = 4
_GROWTH = 4
_MAX_DEPTH = 256
_CELLS = 1 << 22


def distinct(
    queries: Float32s, top_k: int, ranked: Callable[[Float32s, int], Ranking], meaning: Float32s, threshold: float
) -> tuple[Ranking, int]:
    """The first `top_k` captions of each query that say different things, and how many captions were skipped before the last of them.

    ranked(queries, depth) gives the ranking; meaning: (V, m) unit vectors of the captions' text. It goes 4 times `top_k` ranks deep, then
    16, 64 and 256 times for the queries that still lack captions. A query that lacks some even then gets fewer.
    """
    rows = np.full((len(queries), top_k), -1, np.int64)
    scores = np.zeros((len(queries), top_k), np.int64)
    collapsed = 0
    pending = np.arange(len(queries))
    depth = _FIRST_DEPTH * top_k
    while pending.size:
        lacking = []
        step = max(1, _CELLS // min(depth, len(meaning)))
        for start in range(0, len(pending), step):
            some = pending[start : start + step]
            ranking = ranked(queries[some], depth)
            keep, passed = keep_distinct(ranking.rows, top_k, meaning, threshold)
            enough = keep.sum(1) == top_k
            if depth >= min(len(meaning), _MAX_DEPTH * top_k):
                enough[:] = True
            which, rank = np.nonzero(keep & enough[:, None])
            slot = (np.cumsum(keep, axis=1) - 1)[which, rank]
            rows[some[which], slot] = ranking.rows[which, rank]
            scores[some[which], slot] = ranking.millionths[which, rank]
            collapsed += int(passed[enough].sum())
            lacking.append(some[~enough])
        pending = np.concatenate(lacking)
        depth *= _GROWTH
    return Ranking(rows, scores), collapsed


def keep_distinct(rows: Int64s, top_k: int, meaning: Float32s, threshold: float) -> tuple[Bools, Int64s]:
    """rows (n, depth) ranked captions (-1 for none) -> keep (n, depth), at most `top_k` a row, and passed (n,).

    passed: captions that were skipped as duplicates while there was still room.
    """
    width = min(2 * top_k, rows.shape[1])
    step = max(1, _CELLS // (width * (width + top_k)))
    limit = round(threshold * MILLION)
    keep = np.zeros(rows.shape, bool)
    passed = np.zeros(len(rows), np.int64)
    for start in range(0, len(rows), step):
        block = rows[start : start + step]
        before = np.full((len(block), top_k), -1, np.int64)
        for first in range(0, block.shape[1], width):
            count = (before >= 0).sum(1)
            active = np.flatnonzero(count < top_k)
            ranks = block[active, first : first + width]
            fresh, skipped = _keep(ranks, before[active], count[active], meaning, limit)
            keep[start + active, first : first + ranks.shape[1]] = fresh
            passed[start + active] += skipped
            which, rank = np.nonzero(fresh)
            slot = count[active][which] + (np.cumsum(fresh, axis=1) - 1)[which, rank]
            before[active[which], slot] = ranks[which, rank]
    return keep, passed


def _keep(ranks: Int64s, before: Int64s, count: Int64s, meaning: Float32s, limit: int) -> tuple[Bools, Int64s]:
    """One range of ranks (n, width): which to keep after those `before` (n, top_k; `count` of them), and how many are skipped."""
    top_k, width = before.shape[1], ranks.shape[1]
    others = np.concatenate([before[:, : count.max(initial=0)], ranks], axis=1)
    cosines = millionths(meaning, np.maximum(ranks, 0), meaning, np.maximum(others, 0))
    alike = np.greater_equal(cosines, limit) & (others >= 0)[:, None, :]
    earlier = others.shape[1] - width
    blocked: Bools = np.any(alike[:, :, :earlier], axis=2)
    keep = np.zeros(ranks.shape, bool)
    passed = np.zeros(len(ranks), np.int64)
    count = count.copy()
    for rank in range(width):
        has_slot = (count < top_k) & (ranks[:, rank] >= 0)
        keep[:, rank] = has_slot & ~blocked[:, rank]
        passed += has_slot & blocked[:, rank]
        blocked |= alike[:, :, earlier + rank] & keep[:, rank, None]
        count += keep[:, rank]
    return keep, passed
