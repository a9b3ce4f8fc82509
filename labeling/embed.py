"""Clips into one space: decoding runs ahead in a thread, the network gets full batches of windows, and a clip is the mean of its windows.

Paper section 2.3: the embedding of a clip is the mean over its non-overlapping windows.
"""

import queue
import threading
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
import torch

from labeling.errors import RowError
from labeling.ids import hash_uniform
from labeling.scorers.base import Float32s, Scorer

AHEAD_CLIPS = 8

Item = TypeVar("Item")


@dataclass(frozen=True)
class Waveform:
    """A decoded clip: `audio` (samples,) mono float32 at the rate that was asked for. peak: before it was resampled; full scale is 1."""

    key: str
    audio: Float32s
    peak: float = 0.0


@dataclass(frozen=True)
class Embedded:
    """A clip's unit vector (dim,) float32 and the number of windows it is the mean of."""

    key: str
    embedding: Float32s
    windows: int


@dataclass(frozen=True)
class Failed:
    """A clip that could not be embedded."""

    key: str
    error: RowError


def embed_clips(scorer: Scorer, clips: Iterable[Waveform | Failed], batch: int) -> Iterator[Embedded | Failed]:
    """Embed clips in their order. `clips` is consumed in a thread of its own, so decoding and mel overlap the network.

    `batch`: windows a network call. A clip's result does not depend on its neighbours beyond 1e-5 (and on a CPU not at
    all, where scorers run windows one by one). A failed clip is passed on in its place. Errors of `clips` are raised here.
    """
    waiting: list[tuple[str, int, RowError | None]] = []
    inputs: list[torch.Tensor] = []
    outputs: list[Float32s] = []
    for item in run_ahead(_windows(scorer, clips), AHEAD_CLIPS):
        if isinstance(item, Failed):
            waiting.append((item.key, 0, item.error))
        else:
            key, windows = item
            waiting.append((key, len(windows), None))
            inputs.extend(windows)
        while len(inputs) >= batch:
            outputs.extend(_run(scorer, inputs[:batch], batch))
            del inputs[:batch]
        yield from _finished(scorer, waiting, outputs)
    if inputs:
        outputs.extend(_run(scorer, inputs, batch))
    yield from _finished(scorer, waiting, outputs)


def clips_per_second(scorer: Scorer, seconds: float) -> tuple[float, int]:
    """Mel and network on one clip of noise, here and now: (clips of `seconds` a second, windows a clip). Decoding is not in it."""
    samples = round(seconds * scorer.sample_rate)
    noise = (hash_uniform(0, np.arange(samples, dtype=np.uint64)) - 0.5).astype(np.float32) * np.float32(0.2)
    scorer.network(scorer.windows(noise)[:1])
    started = time.perf_counter()
    windows = scorer.windows(noise)
    scorer.network(windows)
    return 1 / max(time.perf_counter() - started, 1e-9), len(windows)


def run_ahead(items: Iterable[Item], ahead: int) -> Iterator[Item]:
    """The same items, made up to `ahead` in advance by a thread. An error there is raised here; leaving early stops the thread."""
    ready: queue.Queue[_Ready[Item]] = queue.Queue(ahead)
    stop = threading.Event()

    def offer(made: "_Ready[Item]") -> bool:
        while not stop.is_set():
            try:
                ready.put(made, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not offer(_Ready(item, None, False)):
                    return
            offer(_Ready(None, None, True))
        except BaseException as error:
            offer(_Ready(None, error, True))

    thread = threading.Thread(target=work, name="decode-ahead", daemon=True)
    thread.start()
    try:
        while True:
            made = ready.get()
            if made.error is not None:
                raise made.error
            if made.last:
                return
            yield made.item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


@dataclass(frozen=True)
class _Ready(Generic[Item]):
    item: Item | None
    error: BaseException | None
    last: bool


def _windows(scorer: Scorer, clips: Iterable[Waveform | Failed]) -> Iterator[tuple[str, torch.Tensor] | Failed]:
    for clip in clips:
        if isinstance(clip, Failed):
            yield clip
        else:
            yield clip.key, scorer.windows(clip.audio)


def _run(scorer: Scorer, inputs: list[torch.Tensor], batch: int) -> Float32s:
    """One network call; off the CPU the last batch is filled with silence, so that every call has one shape."""
    stacked = torch.stack(inputs)
    if scorer.device != "cpu" and len(inputs) < batch:
        stacked = torch.cat([stacked, stacked.new_zeros(batch - len(inputs), *stacked.shape[1:])])
    result: Float32s = scorer.network(stacked)[: len(inputs)].numpy().astype(np.float32)
    return result


def _finished(scorer: Scorer, waiting: list[tuple[str, int, RowError | None]], outputs: list[Float32s]) -> Iterator[Embedded | Failed]:
    while waiting:
        key, windows, error = waiting[0]
        if error is None and len(outputs) < windows:
            return
        waiting.pop(0)
        if error is None:
            mine = np.stack(outputs[:windows])
            del outputs[:windows]
            embedding = scorer.pool(mine)
            if np.isfinite(embedding).all():
                yield Embedded(key, embedding, windows)
                continue
            error = RowError("not_finite", "the network gave NaN or infinity for this clip")
        yield Failed(key, error)
