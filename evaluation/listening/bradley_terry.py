"""Bradley and Terry's model of comparisons, with ties (Davidson 1970) and with the effect of who is heard first (Davidson and Beaver 1977).

Of systems with strengths s, A shown first:  P(A better) : P(B better) : P(alike) = e^(d/2) : e^(-d/2) : e^t,  d = s_A - s_B + p.
Without ties and with p = 0 that is Bradley and Terry's own model. Strengths in Elo are 400 / ln 10 times as large.

The paper's listening test, of which only wins are printed, is ranked the same way.
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from scipy.sparse.csgraph import connected_components

from noise2music.core.arrays import Float64s
from noise2music.core.data_files import read_text

ELO = 400 / np.log(10)
PRIOR = 0.001
"""Precision of a normal prior on every parameter (standard deviation 32, or 5,500 Elo): nothing beside some votes, and a system that
never lost has a finite strength."""
_STEPS, _LONGEST_STEP, _SMALL = 100, 2.0, 1e-10


@dataclass(frozen=True)
class Fits:
    """Of B tables at once. strengths: (B, S) with mean 0; position: (B,) how much more A is preferred, both in logits; ties: (B,), None
    where there is no tie in any table.
    """

    strengths: Float64s
    position: Float64s
    ties: Float64s | None


def fit(counts: Float64s) -> Fits:
    """Counts (B, S, S, 3): of [system as A, system as B] A was better, both alike, B was better -> the most likely strengths.

    Newton's method; the likelihood has one maximum.
    """
    tables, systems = counts.shape[:2]
    first, second = (places.ravel() for places in np.indices((systems, systems)))
    asked = np.flatnonzero(counts.sum(axis=(0, 3)).ravel())
    first, second = first[asked], second[asked]
    has_ties = bool(counts[..., 1].any())
    cells = counts.reshape(tables, -1, 3)[:, asked][..., [0, 2, 1] if has_ties else [0, 2]]
    features = np.zeros((len(asked), cells.shape[-1], systems + 1 + has_ties))
    rows = np.arange(len(asked))
    features[rows, 0, first] += 0.5
    features[rows, 0, second] -= 0.5
    features[:, 0, systems] = 0.5
    features[:, 1] = -features[:, 0]
    if has_ties:
        features[:, 2, -1] = 1.0
    found = _newton(cells, features)
    strengths = found[:, :systems] - found[:, :systems].mean(axis=1, keepdims=True)
    return Fits(strengths, found[:, systems], found[:, -1] if has_ties else None)


def _newton(cells: Float64s, features: Float64s) -> Float64s:
    """(B, C, K) counts of outcomes and (C, K, P) features of each -> (B, P), the parameters of a multinomial logit."""
    found = np.zeros((len(cells), features.shape[-1]))
    totals = cells.sum(axis=-1)
    squares = features[..., :, None] * features[..., None, :]
    prior = PRIOR * np.eye(features.shape[-1])
    for _ in range(_STEPS):
        scores = np.einsum("ckp,bp->bck", features, found)
        shares = np.exp(scores - scores.max(axis=-1, keepdims=True))
        shares /= shares.sum(axis=-1, keepdims=True)
        gradient = np.einsum("bck,ckp->bp", cells - totals[..., None] * shares, features) - PRIOR * found
        means = np.einsum("bck,ckp->bcp", shares, features)
        hessian = np.einsum("bck,ckpq->bpq", totals[..., None] * shares, squares) + prior
        hessian -= np.einsum("bc,bcp,bcq->bpq", totals, means, means)
        step = np.linalg.solve(hessian, gradient[..., None])[..., 0]
        longest = np.abs(step).max(axis=1, keepdims=True)
        found = found + step * np.minimum(1.0, _LONGEST_STEP / np.maximum(longest, _LONGEST_STEP))
        if longest.max() < _SMALL:
            break
    return found


def better(difference: float) -> float:
    """The chance that a system is preferred to another, ties left out, from the difference of their Elo."""
    return float(1 / (1 + 10 ** (-difference / 400)))


def groups(counts: Float64s) -> list[list[int]]:
    """Counts (S, S, 3) -> systems that comparisons connect, as groups; one group where all can be ranked."""
    return _components(_beats(counts), "weak")


def unbeaten(counts: Float64s) -> tuple[list[int], list[int]]:
    """Counts (S, S, 3) -> systems that no other beat or equalled, and those that beat or equalled none: their strengths have no limit."""
    beats = _beats(counts)
    return [int(s) for s in np.flatnonzero(~beats.any(axis=0))], [int(s) for s in np.flatnonzero(~beats.any(axis=1))]


def separated(counts: Float64s) -> bool:
    """Whether systems fall into sets of which one always won: then differences between the sets have no limit (Ford 1957)."""
    return len(_components(_beats(counts), "strong")) > 1


def _beats(counts: Float64s) -> np.ndarray[tuple[int, int], np.dtype[np.bool_]]:
    """[i, j]: whether i beat or equalled j at least once."""
    wins = counts[..., 0] + counts[..., 2].T + counts[..., 1] + counts[..., 1].T
    found: np.ndarray[tuple[int, int], np.dtype[np.bool_]] = wins > 0
    return found


def _components(graph: np.ndarray[tuple[int, int], np.dtype[np.bool_]], kind: str) -> list[list[int]]:
    number, of_each = connected_components(graph, directed=True, connection=kind)
    return [[int(system) for system in np.flatnonzero(of_each == group)] for group in range(number)]


def paper_wins() -> dict[str, int]:
    """Source -> number of wins, as the paper prints them."""
    wins: dict[str, int] = tomllib.loads(read_text(__package__, "paper.toml"))["wins"]
    return wins


def elo_of_wins(wins: Mapping[str, float]) -> dict[str, float]:
    """Elo from wins alone, where every two were compared equally often: then a model of Bradley and Terry asks for no more (Ford 1957).

    How the wins fall on the pairs is not known; any way that keeps each one's sum gives the same strengths, so one is made up.
    """
    won = np.array(list(wins.values()), np.float64)
    systems = len(won)
    compared = won.sum() / (systems * (systems - 1) / 2)
    lead = (won - won.mean()) / systems
    pairs = compared / 2 + lead[:, None] - lead[None]
    np.fill_diagonal(pairs, 0.0)
    counts = np.zeros((1, systems, systems, 3))
    counts[0, ..., 0], counts[0, ..., 2] = pairs / 2, pairs.T / 2
    return dict(zip(wins, (fit(counts).strengths[0] * ELO).tolist(), strict=True))
