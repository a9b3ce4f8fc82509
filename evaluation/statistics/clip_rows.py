"""The rows that a network gave for each clip of a set, and how many independent rows they are worth."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noise2music.core.arrays import Float32s, Float64s, Int64s
from noise2music.core.ids import id_to_int, mix, stable_id


@dataclass(frozen=True)
class ClipRows:
    """Embeddings of a set of clips.

    keys: one a clip, sorted. rows: (N, d) float32, the frames of the clips in that order. counts: (clips,) frames of each, at least 1.
    """

    keys: tuple[str, ...]
    rows: Float32s
    counts: Int64s

    @property
    def clips(self) -> int:
        """How many clips there are."""
        return len(self.keys)

    @property
    def dimension(self) -> int:
        """Of a row."""
        return int(self.rows.shape[1])

    @property
    def clip_of_row(self) -> Int64s:
        """(N,) the place of each row's clip."""
        return np.repeat(np.arange(self.clips), self.counts)

    def take(self, clips: Sequence[int] | Int64s) -> "ClipRows":
        """The clips at these places, in the order of their keys."""
        places = np.unique(np.asarray(clips, np.int64))
        chosen = np.isin(self.clip_of_row, places)
        return ClipRows(tuple(self.keys[place] for place in places), self.rows[chosen], self.counts[places])

    def clip_means(self) -> Float64s:
        """(clips, d) mean of each clip's rows."""
        starts = np.concatenate([[0], np.cumsum(self.counts)[:-1]]).astype(np.int64)
        return np.asarray(np.add.reduceat(self.rows.astype(np.float64), starts, axis=0) / self.counts[:, None], np.float64)


def clip_rows(embeddings: Sequence[tuple[str, Float32s]]) -> ClipRows:
    """(key, (frames, d)) of each clip, in any order -> the set. Raises ValueError: no clip, one without frames, or unlike dimensions."""
    if not embeddings:
        raise ValueError("a set needs at least one clip")
    ordered = sorted(embeddings, key=lambda item: item[0])
    empty = [key for key, rows in ordered if rows.ndim != 2 or not len(rows)]
    if empty:
        raise ValueError(f"no frames in {', '.join(empty[:3])}")
    counts = np.array([len(rows) for _, rows in ordered], np.int64)
    return ClipRows(tuple(key for key, _ in ordered), np.concatenate([rows for _, rows in ordered]).astype(np.float32), counts)


def effective_rows(clips: ClipRows) -> float:
    """How many independent rows the set is worth: frames of one clip are alike, so ten of them are less than ten.

    The trace of the covariance over the trace of the variance of the mean, the latter from the scatter of whole clips; at least 1 and at
    most the number of rows. The number of clips where each has one row.
    """
    if clips.clips < 2 or len(clips.rows) == clips.clips:
        return float(clips.clips)
    rows = clips.rows.astype(np.float64)
    centred = rows - rows.mean(axis=0)
    spread = float(np.square(centred).sum() / (len(rows) - 1))
    sums = (clips.clip_means() - rows.mean(axis=0)) * (clips.counts / len(rows))[:, None]
    of_mean = float(np.square(sums).sum() * clips.clips / (clips.clips - 1))
    return float(np.clip(spread / of_mean, 1.0, len(rows))) if of_mean > 0 else 1.0


def hash_order(keys: Sequence[str], seed: int) -> Int64s:
    """Places of the keys in an order that looks random and is a pure function of (seed, key)."""
    hashes = mix(np.array([id_to_int(stable_id("order", seed, key)) for key in keys], np.uint64))
    return np.asarray(np.lexsort((np.arange(len(keys)), hashes)), np.int64)


def hash_groups(keys: Sequence[str], groups: int, seed: int = 0) -> Int64s:
    """(clips,) a group of each clip, 0 to groups - 1: of nearly equal sizes, chosen by the keys alone."""
    chosen = np.empty(len(keys), np.int64)
    chosen[hash_order(keys, seed)] = np.arange(len(keys)) % max(1, min(groups, len(keys)))
    return chosen


def joint_groups(first: Sequence[str], second: Sequence[str], groups: int, seed: int = 0) -> tuple[Int64s, Int64s]:
    """A group of each clip of two sets: the clip of a key and its reference are in one, and each set is spread evenly over all groups.

    At most as many groups as the smaller set has clips.
    """
    number = min(groups, len(first), len(second))
    common = sorted(set(first) & set(second))
    shared = dict(zip(common, hash_groups(common, number, seed).tolist(), strict=True))

    def of(keys: Sequence[str]) -> Int64s:
        own = [key for key in keys if key not in shared]
        # Groups that got one clip less of the common ones come first.
        order = sorted(range(number), key=lambda group: (list(shared.values()).count(group), group))
        known = shared | {key: order[place % number] for key, place in zip(own, hash_ranks(own, seed), strict=True)}
        return np.array([known[key] for key in keys], np.int64)

    return of(first), of(second)


def hash_ranks(keys: Sequence[str], seed: int) -> list[int]:
    """The rank of each key in `hash_order`."""
    ranks = np.empty(len(keys), np.int64)
    ranks[hash_order(keys, seed)] = np.arange(len(keys))
    return [int(rank) for rank in ranks]
