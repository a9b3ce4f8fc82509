"""Bias and standard error of a distance, by leaving out groups of whole clips (delete-group jackknife; Quenouille 1956, Tukey 1958).

A Frechet distance of n clips is too large by about b / n. Leaving out one of G groups at a time shows by how much it grows, which takes
b / n away, and how much it scatters. Frames are never drawn by themselves: those of one clip are alike (docs/evaluation.md).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import stdtrit

from noise2music.core.arrays import Float64s, Int64s
from noise2music.evaluation.statistics.clip_rows import ClipRows, hash_groups, joint_groups
from noise2music.evaluation.statistics.frechet import Gaussian, frechet_distance, gaussian_of
from noise2music.evaluation.statistics.subsets import Part, part_distances, subset_distances

GROUPS = 20
FEWEST = 3
"""Groups of which anything can be said."""
COVERAGE = 0.95


@dataclass(frozen=True)
class Estimate:
    """A figure and what is known of it. corrected: without its bias. error: standard error. low, high: a 95 % interval around `corrected`.

    None where there are too few clips to tell.
    """

    value: float
    corrected: float | None = None
    error: float | None = None
    low: float | None = None
    high: float | None = None


def leave_out(groups: Int64s) -> list[Int64s]:
    """(clips,) groups -> for each group the places of all other clips."""
    return [np.flatnonzero(groups != group) for group in range(int(groups.max(initial=-1)) + 1)]


def jackknife(value: float, left: Float64s, lowest: float | None = None) -> Estimate:
    """A figure, and the figures without one group, in turn -> the estimate. Fewer than FEWEST groups say nothing.

    lowest: below which the figure cannot lie; the ends of the interval are held there, not `corrected`, whose error shows.
    """
    groups = len(left)
    if groups < FEWEST:
        return Estimate(value)
    corrected = value - (groups - 1) * (float(left.mean()) - value)
    error = float(np.sqrt((groups - 1) * np.square(left - left.mean()).mean()))
    reach = float(stdtrit(groups - 1, 0.5 + COVERAGE / 2)) * error
    low, high = corrected - reach, corrected + reach
    if lowest is not None:
        low, high = max(lowest, low), max(lowest, high)
    return Estimate(value, corrected, error, low, high)


def frechet_estimate(clips: ClipRows, reference: ClipRows | Gaussian, groups: int = GROUPS) -> Estimate:
    """The distance of clips to a reference: corrected for the number of clips, and for that of the reference where its clips are given.

    A clip and the reference of its key are left out together, for they are alike. Statistics of a reference alone have a bias of their own
    that nobody can take away: the fewer rows they are from, the larger.
    """
    ours = gaussian_of(clips.rows)
    if isinstance(reference, Gaussian):
        left = subset_distances(clips, leave_out(hash_groups(clips.keys, groups)), reference) if clips.clips >= FEWEST else np.zeros(0)
        return jackknife(frechet_distance(ours, reference), left, lowest=0.0)
    value = frechet_distance(ours, gaussian_of(reference.rows))
    kept = leave_out_both(clips.keys, reference.keys, groups)
    return jackknife(value, part_distances(clips, reference, kept) if kept else np.zeros(0), lowest=0.0)


def leave_out_both(first: Sequence[str], second: Sequence[str], groups: int) -> list[Part]:
    """Parts of the pool of two sets, without one joint group in turn; none where there are too few clips."""
    if min(len(first), len(second)) < FEWEST:
        return []
    ours, theirs = joint_groups(first, second, groups)
    pairs = zip(leave_out(ours), leave_out(theirs), strict=True)
    return [(mine, other + len(first)) for mine, other in pairs]


def mean_estimate(values: Float64s) -> Estimate:
    """The mean over clips with Student's interval."""
    count = len(values)
    mean = float(values.mean())
    if count < 2:
        return Estimate(mean)
    error = float(values.std(ddof=1) / np.sqrt(count))
    reach = float(stdtrit(count - 1, 0.5 + COVERAGE / 2)) * error
    return Estimate(mean, mean, error, mean - reach, mean + reach)
