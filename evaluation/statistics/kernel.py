"""The kernel distance: 100 times the unbiased squared maximum mean discrepancy under a Gaussian kernel (Gretton et al. 2012; of audio:
Chung et al. 2025, "KAD").

It has no bias by the number of clips, which a Frechet distance has. The bandwidth is the median distance within the reference, so that
the scores of two systems are of one kernel; pairs of frames of one clip are left out of a set's own mean, for they are alike.
"""

from dataclasses import dataclass

import numpy as np
import torch

from noise2music.core.arrays import Float64s, Int64s
from noise2music.core.device import one_thread
from noise2music.evaluation.statistics.clip_rows import ClipRows, clip_rows, hash_order
from noise2music.evaluation.statistics.jackknife import GROUPS, Estimate, jackknife, leave_out_both
from noise2music.evaluation.statistics.permutation import Null, null_of, splits
from noise2music.evaluation.statistics.subsets import Part

SCALE = 100.0
MOST_ROWS = 3000
"""Of a set that enter: the first clips by the hash of their keys, and frames evenly over each."""
_BLOCK = 1024


@dataclass(frozen=True)
class KernelDistance:
    """estimate: the distance and its error. null: where there is no difference. bandwidth: of the kernel, in units of the embedding."""

    estimate: Estimate
    null: Null | None
    bandwidth: float


def median_bandwidth(reference: ClipRows) -> float | None:
    """The median distance between rows of different clips, from at most MOST_ROWS rows; None where they are all in one place."""
    few = _thinned(reference)
    rows, of_clip = torch.from_numpy(few.rows.astype(np.float64)), few.clip_of_row
    with one_thread():
        distances = torch.cdist(rows, rows, compute_mode="use_mm_for_euclid_dist").numpy()
    apart = distances[of_clip[:, None] < of_clip[None, :]]
    median = float(np.median(apart)) if len(apart) else 0.0
    return median if median > 0 else None


def kernel_distance(clips: ClipRows, reference: ClipRows, draws: int, groups: int = GROUPS, seed: int = 0) -> KernelDistance | None:
    """The distance of clips to a reference; None where a set has fewer than two clips, or the reference is one point."""
    bandwidth = median_bandwidth(reference) if reference.clips > 1 else None
    if bandwidth is None or clips.clips < 2:
        return None
    ours, theirs = _thinned(clips), _thinned(reference)
    kernel = _clip_kernel(ours, theirs, bandwidth)
    counts = np.concatenate([ours.counts, theirs.counts]).astype(np.float64)
    value = _discrepancy(kernel, counts, (np.arange(ours.clips), np.arange(ours.clips, len(counts))))
    left = [_discrepancy(kernel, counts, part) for part in leave_out_both(ours.keys, theirs.keys, groups) if min(map(len, part)) > 1]
    drawn = [_discrepancy(kernel, counts, part) for part in splits(ours.keys, theirs.keys, draws, seed)]
    return KernelDistance(jackknife(value, np.array(left)), null_of(value, np.array(drawn)), bandwidth)


def _discrepancy(kernel: Float64s, counts: Float64s, part: Part) -> float:
    """From the sums of the kernel over the frames of every two clips."""

    def within(places: Int64s) -> float:
        block = kernel[np.ix_(places, places)]
        pairs = counts[places].sum() ** 2 - np.square(counts[places]).sum()
        return float((block.sum() - np.trace(block)) / pairs)

    first, second = part
    across = kernel[np.ix_(first, second)].sum() / (counts[first].sum() * counts[second].sum())
    return SCALE * (within(first) + within(second) - 2 * float(across))


def _clip_kernel(first: ClipRows, second: ClipRows, bandwidth: float) -> Float64s:
    """(c, c), c clips of both: the kernel summed over the frames of every two."""
    rows = torch.from_numpy(np.concatenate([first.rows, second.rows]).astype(np.float64))
    counts = np.concatenate([first.counts, second.counts])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]]).astype(np.int64)
    # Row sums by clip first, block by block: the kernel of all rows is never there at once.
    by_row = np.empty((len(rows), len(counts)), np.float64)
    with one_thread():
        for start in range(0, len(rows), _BLOCK):
            squares = torch.cdist(rows[start : start + _BLOCK], rows, compute_mode="use_mm_for_euclid_dist").square_()
            part = torch.exp(squares / (-2 * bandwidth**2)).numpy()
            by_row[start : start + _BLOCK] = np.add.reduceat(part, starts, axis=1)
    return np.asarray(np.add.reduceat(by_row, starts, axis=0), np.float64)


def _thinned(clips: ClipRows) -> ClipRows:
    """At most MOST_ROWS rows."""
    if clips.clips > MOST_ROWS:
        clips = clips.take(hash_order(clips.keys, 0)[:MOST_ROWS])
    if len(clips.rows) <= MOST_ROWS:
        return clips
    most = max(1, MOST_ROWS // clips.clips)
    ends = np.cumsum(clips.counts)
    chosen = []
    for key, end, count in zip(clips.keys, ends.tolist(), clips.counts.tolist(), strict=True):
        places = np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(np.int64))
        chosen.append((key, clips.rows[end - count + places]))
    return clip_rows(chosen)
