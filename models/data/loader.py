"""Clips in the order of a run, decoded ahead: clip number i is a pure function of (shards, seed, i), for any number of readers.

The order is a global shuffle of an epoch that still reads row groups of shards near each other.
"""

import logging
import threading
from collections import OrderedDict, deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from types import TracebackType
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from noise2music.core.errors import RowError, UserError
from noise2music.core.ids import hash_uniform, purpose_key
from noise2music.models.data.clips import Clip, make_clip
from noise2music.models.data.shards import Shards

AHEAD_STEPS = 2
# Row groups kept in memory: a block of the order fits.
GROUP_BYTES = 768 << 20
# Row groups whose clips are mixed: 512 clips with the 16 rows a group that the labeling flow writes, from 32 places of the corpus.
BLOCK_GROUPS = 32
TRIES = 16
CORRUPT_SHARE = 0.05
log = logging.getLogger("n2m")


def clip_order(seed: int, epoch: int, group_rows: Sequence[int], block_groups: int = BLOCK_GROUPS) -> npt.NDArray[np.int64]:
    """A permutation of all rows, numbered group after group: groups are shuffled, then the rows of every `block_groups` groups together.

    A pure function of its arguments: the same for any number of ranks and workers.
    """
    rows = np.asarray(group_rows, np.int64)
    rank = np.empty(len(rows), np.int64)
    rank[np.argsort(_uniforms(seed, epoch, "groups", len(rows)), kind="stable")] = np.arange(len(rows))
    block = np.repeat(rank // block_groups, rows)
    return np.lexsort((_uniforms(seed, epoch, "rows", int(rows.sum())), block))


@lru_cache(maxsize=2)
def cached_order(seed: int, epoch: int, group_rows: tuple[int, ...]) -> npt.NDArray[np.int64]:
    """clip_order, kept for the two epochs that a loader is in."""
    return clip_order(seed, epoch, group_rows)


def _uniforms(seed: int, epoch: int, purpose: str, count: int) -> npt.NDArray[np.float64]:
    return hash_uniform(seed, purpose_key("clip order", purpose, epoch), np.arange(count, dtype=np.uint64))


class Loader:
    """Endless steps of `global_batch_size` clips; this rank gets its slice, of equal size. start: how many clips were seen before.

    A clip that cannot be read is named once in `corrupt` (clip id -> reason) and in the log, and another takes its place, chosen by
    (seed, number). Raises UserError where too many are corrupt, or a shard is.
    """

    def __init__(
        self,
        shards: Shards,
        seed: int,
        crop_samples: int,
        global_batch_size: int,
        rank: int = 0,
        world: int = 1,
        start: int = 0,
        workers: int = 1,
    ) -> None:
        if global_batch_size % world:
            raise UserError(f"global_batch_size = {global_batch_size} cannot be shared evenly by {world} processes.")
        self.corrupt: dict[str, str] = {}
        self._shards, self._seed, self._crop = shards, seed, crop_samples
        self._share = global_batch_size // world
        self._next = start + rank * self._share
        self._clips_a_step = global_batch_size
        self._groups: OrderedDict[int, pa.Table] = OrderedDict()
        self._lock = threading.Lock()
        self._pool = ThreadPoolExecutor(workers, "decode")
        self._pending: deque[list[Future[Clip]]] = deque()

    def __iter__(self) -> Iterator[list[Clip]]:
        """This rank's clips, step by step."""
        while True:
            while len(self._pending) <= AHEAD_STEPS:
                self._submit()
            yield [future.result() for future in self._pending.popleft()]

    def clip(self, number: int) -> Clip:
        """One clip of the run by its number."""
        uniform = hash_uniform(self._seed, _CROP, np.array([number], np.uint64))
        for attempt in range(TRIES):
            row = self._row_of(number, attempt)
            try:
                return make_clip(row, number, self._crop, float(uniform[0]))
            except RowError as error:
                self._name(row["clip_id"], error)
        last = row["clip_id"]
        raise UserError(f"{TRIES} clips in a row cannot be read, the last {last} ({self.corrupt[last]}). {_MEND}")

    def close(self) -> None:
        """Stop decoding; what is under way ends first."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._pending.clear()

    def __enter__(self) -> "Loader":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _submit(self) -> None:
        numbers = range(self._next, self._next + self._share)
        self._pending.append([self._pool.submit(self.clip, number) for number in numbers])
        self._next += self._clips_a_step

    def _row_of(self, number: int, attempt: int) -> dict[str, Any]:
        """The row of a clip; further attempts are drawn from the whole split."""
        clips = self._shards.clips
        if attempt == 0:
            epoch, position = divmod(number, clips)
            row = int(cached_order(self._seed, epoch, self._shards.group_rows)[position])
        else:
            row = int(hash_uniform(self._seed, _INSTEAD, np.array([number], np.uint64), np.array([attempt], np.uint64))[0] * clips)
        group, inside = self._shards.locate(row)
        fields: dict[str, Any] = self._group(group).slice(inside, 1).to_pylist()[0]
        return fields

    def _group(self, number: int) -> pa.Table:
        with self._lock:
            if number in self._groups:
                self._groups.move_to_end(number)
                return self._groups[number]
            table = self._shards.read_group(number)
            self._groups[number] = table
            while len(self._groups) > 1 and sum(group.nbytes for group in self._groups.values()) > GROUP_BYTES:
                self._groups.popitem(last=False)
            return table

    def _name(self, clip_id: str, error: RowError) -> None:
        with self._lock:
            if clip_id in self.corrupt:
                return
            self.corrupt[clip_id] = f"{error.reason}: {error.message}"
            count = len(self.corrupt)
        log.warning("clip %s is left out (%s: %s); another takes its place.", clip_id, error.reason, error.message)
        if count > max(TRIES, CORRUPT_SHARE * self._shards.clips):
            names = ", ".join(list(self.corrupt)[:8])
            raise UserError(f"{count} of {self._shards.clips} clips cannot be read, among them {names}. {_MEND}")


_CROP, _INSTEAD = purpose_key("crop"), purpose_key("instead")
_MEND = "Look at the audio of these tracks, then run `n2m label` again."
