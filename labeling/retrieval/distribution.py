"""Measures how evenly captions are used, and whether some are hubs: figures of a count vector (V,), one count a caption."""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Float64s = npt.NDArray[np.float64]
Int64s = npt.NDArray[np.int64]
Counts = npt.NDArray[np.integer]


@dataclass(frozen=True)
class Distribution:
    """captions: size of the vocabulary. total: uses. The other fields: the functions of the same name."""

    captions: int
    total: int
    entropy: float
    normalised_entropy: float
    gini: float
    coverage: float
    skewness: float
    hub_share: float


def describe(counts: Counts) -> Distribution:
    """All figures at once. Without any use (total 0) every figure is 0."""
    return Distribution(
        captions=len(counts),
        total=int(counts.sum()),
        entropy=entropy(counts),
        normalised_entropy=normalised_entropy(counts),
        gini=gini(counts),
        coverage=coverage(counts),
        skewness=skewness(counts),
        hub_share=hub_share(counts),
    )


def entropy(counts: Counts) -> float:
    """Shannon entropy in bits of a caption drawn from all uses: 0 when one caption has them all, log2 V when all have as many."""
    used = counts[counts > 0]
    if not used.size:
        return 0.0
    p = used / used.sum()
    return max(0.0, float(-(p * np.log2(p)).sum()))


def normalised_entropy(counts: Counts) -> float:
    """Entropy as a share of log2 V, in [0, 1]; 0 for a vocabulary of one caption."""
    return entropy(counts) / float(np.log2(len(counts))) if len(counts) > 1 else 0.0


def gini(counts: Counts) -> float:
    """Gini coefficient: 0 when all captions are used as often, (V - 1) / V when one caption has all uses."""
    total = float(counts.sum())
    if not total:
        return 0.0
    ascending = np.sort(counts).astype(np.float64)
    weight = 2.0 * np.arange(1, len(counts) + 1) - len(counts) - 1
    return float((weight * ascending).sum() / (len(counts) * total))


def coverage(counts: Counts) -> float:
    """Share of the vocabulary that is used at all."""
    return float((counts > 0).mean()) if len(counts) else 0.0


def top_share(counts: Counts, top: int) -> float:
    """Share of all uses that the `top` most used captions have."""
    total = float(counts.sum())
    return float(np.sort(counts)[::-1][: max(0, top)].sum() / total) if total else 0.0


def cdf_points(counts: Counts, points: int = 200) -> tuple[Int64s, Float64s]:
    """The curve "the r most used captions have this share of all uses", at no more than `points` log-spaced ranks from 1 to V.

    Returns (ranks, shares), both ascending; empty when nothing was used.
    """
    total = float(counts.sum())
    if not total:
        return np.zeros(0, np.int64), np.zeros(0)
    ranks = np.unique(np.rint(np.geomspace(1, len(counts), points)).astype(np.int64))
    return ranks, np.cumsum(np.sort(counts)[::-1])[ranks - 1] / total


def skewness(counts: Counts) -> float:
    """Skewness of the k-occurrence, E[(n - mean)^3] / sd^3 (Radovanovic 2010): above 1 where some captions are near to everything."""
    if not len(counts) or counts.min() == counts.max():
        return 0.0
    centred = counts - counts.mean()
    return float((centred**3).mean() / (centred**2).mean() ** 1.5)


def hub_share(counts: Counts, share: float = 0.01) -> float:
    """Share of all uses that the most used `share` of the vocabulary (rounded up to whole captions) has."""
    return top_share(counts, math.ceil(round(share * len(counts), 9)))
