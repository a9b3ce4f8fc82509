"""Score histograms that add up part by part: counts of fixed bins of 0.0001 over the cosines [-1, 1]."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from noise2music.flows.pages.label.contents import ScoreReport, ScoreSeries

Int64s = npt.NDArray[np.int64]

BINS = 20_000
LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
CHANCE_LEVEL = 0.95
BARS = 60


def count_scores(scores: npt.NDArray[np.floating]) -> Int64s:
    """Scores in any shape, NaN for none -> (BINS,) counts. Cosines that rounding put outside [-1, 1] go to the ends."""
    there = scores[np.isfinite(scores)].astype(np.float64)
    places = np.floor((there + 1) * (BINS / 2)).astype(np.int64)
    return np.bincount(np.clip(places, 0, BINS - 1), minlength=BINS)


def quantile(counts: Int64s, level: float) -> float | None:
    """The smallest score with at least `level` of all at or below it, to half a bin; None without scores."""
    total = int(counts.sum())
    if not total:
        return None
    place = int(np.searchsorted(np.cumsum(counts), level * total))
    return round((place + 0.5) * 2 / BINS - 1, 6)


def share_above(counts: Int64s, score: float) -> float | None:
    """Share of the scores in bins above that of `score`; None without scores."""
    total = int(counts.sum())
    place = int(np.clip(np.floor((score + 1) * (BINS / 2)), 0, BINS - 1))
    return float(counts[place + 1 :].sum() / total) if total else None


def score_report(counts: Mapping[str, Int64s], labels: str, null: str) -> ScoreReport:
    """Histograms of every named count vector over the range that holds them all, in at most BARS bars of whole bins."""
    first, step, bars = _bars(list(counts.values()))
    edges = tuple(round((first + bar * step) * 2 / BINS - 1, 6) for bar in range(bars + 1))
    series = tuple(
        ScoreSeries(
            name=name,
            total=int(vector.sum()),
            shares=tuple(float(share) for share in _rebin(vector, first, step, bars) / max(1, int(vector.sum()))),
            quantiles=tuple(quantile(vector, level) for level in LEVELS),
        )
        for name, vector in counts.items()
    )
    threshold = quantile(counts[null], CHANCE_LEVEL)
    chance = None if threshold is None else share_above(counts[labels], threshold)
    return ScoreReport(edges, LEVELS, series, chance)


def _bars(vectors: Sequence[Int64s]) -> tuple[int, int, int]:
    used = np.flatnonzero(np.sum(vectors, axis=0))
    if not used.size:
        return 0, BINS, 0
    first, last = int(used[0]), int(used[-1])
    step = _round_up((last + 1 - first) / (BARS - 1))
    first -= first % step
    return first, step, -(-(last + 1 - first) // step)


def _round_up(width: float) -> int:
    """The next of 1, 2, 5, 10, 20, 50, ... bins, so that edges are round numbers."""
    scale = 1
    while True:
        for step in (1, 2, 5):
            if step * scale >= width:
                return step * scale
        scale *= 10


def _rebin(vector: Int64s, first: int, step: int, bars: int) -> Int64s:
    window = vector[first : first + bars * step]
    padded = np.concatenate([window, np.zeros(bars * step - len(window), np.int64)])
    return padded.reshape(bars, step).sum(1) if bars else np.zeros(0, np.int64)
