"""In which order the clips of an epoch are seen: a global shuffle that still reads row groups of shards near each other."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from noise2music.core.ids import hash_uniform, id_to_int, stable_id

BLOCK_GROUPS = 32
"""Row groups whose clips are mixed: 512 clips with the 16 rows a group that the labeling flow writes, from 32 places of the corpus."""

Int64s = npt.NDArray[np.int64]


def clip_order(seed: int, epoch: int, group_rows: Sequence[int], block_groups: int = BLOCK_GROUPS) -> Int64s:
    """A permutation of all rows, numbered group after group: groups are shuffled, then the rows of every `block_groups` groups together.

    A pure function of its arguments: the same for any number of ranks and workers.
    """
    rows = np.asarray(group_rows, np.int64)
    place = np.empty(len(rows), np.int64)
    place[np.argsort(_uniforms(seed, epoch, "groups", len(rows)), kind="stable")] = np.arange(len(rows))
    block = np.repeat(place // block_groups, rows)
    return np.lexsort((_uniforms(seed, epoch, "rows", int(rows.sum())), block))


@lru_cache(maxsize=2)
def cached_order(seed: int, epoch: int, group_rows: tuple[int, ...]) -> Int64s:
    """clip_order, kept for the two epochs that a loader is in."""
    return clip_order(seed, epoch, group_rows)


def _uniforms(seed: int, epoch: int, purpose: str, count: int) -> npt.NDArray[np.float64]:
    keys = np.array([id_to_int(stable_id("clip order", purpose, epoch))], np.uint64)
    return hash_uniform(seed, keys, np.arange(count, dtype=np.uint64))
