"""What a distance is where there is no difference: two sets of these sizes drawn from one pool, again and again."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noise2music.core.arrays import Float64s, Int64s
from noise2music.core.ids import Uint64s, hash_uniform, id_to_int, stable_id

QUANTILE = 0.95


@dataclass(frozen=True)
class Null:
    """mean: of the distances where there is no difference. high: their 95th percentile. p: how rarely one of them is as large as the
    observed distance; never below 1 / (draws + 1).
    """

    mean: float
    high: float
    p: float
    draws: int


def splits(first: Sequence[str], second: Sequence[str], draws: int, seed: int = 0) -> list[tuple[Int64s, Int64s]]:
    """`draws` random splits of the pool of two sets of keys into sets of their sizes, as places in the pool.

    A key that both have is a pair, a clip and its reference: they change places or not, so that both sets keep one of each pair, for sets
    of pairs are nearer to each other than sets of strangers. All other clips are dealt out anew. A pure function of the keys and the seed.
    """
    there = {key: place for place, key in enumerate(second, len(first))}
    common = [(place, there[key]) for place, key in enumerate(first) if key in there]
    ours, theirs = np.array(common, np.int64).reshape(-1, 2).T
    coins = _hashes("pair", [first[place] for place in ours])
    paired = {*ours.tolist(), *theirs.tolist()}
    rest = np.array([place for place in range(len(first) + len(second)) if place not in paired], np.int64)
    cards = _hashes("split", [f"1 {first[place]}" if place < len(first) else f"2 {second[place - len(first)]}" for place in rest])
    own = int((rest < len(first)).sum())
    found = []
    for draw in range(draws):
        swapped = hash_uniform(seed * 1_000_003 + draw, coins) < 0.5 if len(coins) else np.zeros(0, bool)
        order = rest[np.argsort(hash_uniform(seed * 1_000_003 + draw, cards), kind="stable")] if len(rest) else rest
        left, right = (np.where(swapped, *sides) for sides in ((theirs, ours), (ours, theirs)))
        found.append((np.sort(np.concatenate([left, order[:own]])), np.sort(np.concatenate([right, order[own:]]))))
    return found


def _hashes(purpose: str, keys: Sequence[str]) -> Uint64s:
    return np.array([id_to_int(stable_id(purpose, key)) for key in keys], np.uint64)


def null_of(observed: float, drawn: Float64s) -> Null | None:
    """The observed distance beside those of random splits; None where none was drawn. Differences of rounding count as ties."""
    if not len(drawn):
        return None
    as_large = int((drawn >= observed - 1e-9 * max(1.0, abs(observed))).sum())
    p = (1 + as_large) / (1 + len(drawn))
    return Null(float(drawn.mean()), float(np.quantile(drawn, QUANTILE)), p, len(drawn))
