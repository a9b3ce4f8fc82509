"""Whether clips fit their prompts and their references: cosines of pairs beside those of strangers, ranks among all, and how
differently a tagger hears two clips.
"""

from dataclasses import dataclass

import numpy as np
from scipy.stats import norm, rankdata

from noise2music.core.arrays import Float32s, Float64s
from noise2music.evaluation.statistics.jackknife import COVERAGE, Estimate, mean_estimate
from noise2music.evaluation.statistics.permutation import Null, null_of

PLACES = (1, 5)


@dataclass(frozen=True)
class Similarity:
    """own: the mean cosine of pairs, with its error over pairs. null: of a random shuffle, every pair of strangers in the mean.
    top: place -> share of targets whose own clip is among so many nearest of all clips. pairs: how many.
    """

    own: Estimate
    null: Null | None
    top: dict[int, Estimate]
    pairs: int


def pair_similarity(clips: Float32s, targets: Float32s, draws: int, seed: int = 0) -> Similarity:
    """(n, d) unit vectors of clips and of what each is meant for (its prompt, its reference), row by row -> how well they fit.

    The null's mean is that over all pairs of strangers, which is what shuffles give in the mean; its 95 % and p are from shuffles.
    Raises ValueError: unlike shapes, none, or vectors that are not of unit length.
    """
    if clips.shape != targets.shape or not len(clips):
        raise ValueError(f"clips of shape {clips.shape} and targets of shape {targets.shape} are no pairs")
    for vectors in (clips, targets):
        if not np.allclose(np.linalg.norm(vectors.astype(np.float64), axis=1), 1, atol=1e-3):
            raise ValueError("similarity is of unit vectors")
    cosines = targets.astype(np.float64) @ clips.astype(np.float64).T
    own = np.diagonal(cosines)
    estimate = mean_estimate(own)
    return Similarity(estimate, _null(cosines, estimate.value, draws, seed), top_shares(cosines), len(own))


def strangers_mean(clips: Float32s, targets: Float32s) -> float | None:
    """The mean cosine over all pairs that do not belong together; None for a single pair. Nothing of n x n is kept."""
    count = len(clips)
    if count < 2:
        return None
    left, right = clips.astype(np.float64), targets.astype(np.float64)
    return float((left.sum(axis=0) @ right.sum(axis=0) - (left * right).sum()) / (count * (count - 1)))


def top_shares(cosines: Float64s) -> dict[int, Estimate]:
    """(targets, clips) cosines -> for each of PLACES below the number of clips, the share of targets whose own clip is among the nearest.

    Of clips that are equally near, half are before. The interval is Wilson's.
    """
    count = len(cosines)
    own = np.diagonal(cosines)
    ranks = np.array([rankdata(-row, method="average")[place] for place, row in enumerate(cosines)]) if count else own
    return {place: share_estimate(int((ranks <= place + 0.5 - 1e-9).sum()), count) for place in PLACES if place < count}


def share_estimate(hits: int, count: int) -> Estimate:
    """hits of count, with Wilson's interval."""
    share = hits / count
    z = float(norm.ppf(0.5 + COVERAGE / 2))
    centre = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    reach = z / (1 + z**2 / count) * float(np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)))
    return Estimate(share, share, float(np.sqrt(share * (1 - share) / count)), max(0.0, centre - reach), min(1.0, centre + reach))


def _null(cosines: Float64s, observed: float, draws: int, seed: int) -> Null | None:
    count = len(cosines)
    if count < 2 or not draws:
        return None
    strangers = (cosines.sum() - np.trace(cosines)) / (count * (count - 1))
    drawn = np.empty(draws)
    for draw in range(draws):
        order = np.random.Generator(np.random.PCG64(seed * 1_000_003 + draw)).permutation(count)
        drawn[draw] = cosines[np.arange(count), order].mean()
    found = null_of(observed, drawn)
    return Null(float(strangers), found.high, found.p, draws) if found else None


_FLOOR = 1e-6


def tag_divergences(of: Float32s, against: Float32s) -> Float64s:
    """(n, tags) posteriors of references and (m, tags) of clips -> (n, m) sum over tags of KL(reference || clip), in nats.

    A tagger's posteriors are not exclusive, so nothing is brought to a sum of one: each tag is a Bernoulli variable.
    """
    p = np.clip(of.astype(np.float64), _FLOOR, 1 - _FLOOR)
    q = np.clip(against.astype(np.float64), _FLOOR, 1 - _FLOOR)
    own = (p * np.log(p) + (1 - p) * np.log(1 - p)).sum(axis=1, keepdims=True)
    return np.asarray(np.maximum(0.0, own - p @ np.log(q).T - (1 - p) @ np.log(1 - q).T), np.float64)
