"""Stage "embed": the clips of a part -> their embeddings. Each track is decoded once, as a stream."""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch

from noise2music.core.arrays import Float32s
from noise2music.core.audio.decode import DecodedSpan, decode_spans
from noise2music.core.audio.encode import peak_of
from noise2music.core.audio.resample import resample
from noise2music.core.errors import RowError
from noise2music.core.ids import hash_uniform
from noise2music.core.prefetch import run_ahead
from noise2music.labeling.corpus.files import open_audio
from noise2music.labeling.datasets.arrow import stored_vector, vectors_column
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import CarryOver
from noise2music.labeling.schemas import ODDITY, embed_schema
from noise2music.labeling.scorers.base import Scorer

# Decoding runs ahead in a thread, and the network gets full batches of windows. Paper section 2.3: the embedding of a clip is the mean
# over its non-overlapping windows.


AHEAD_CLIPS = 8


@dataclass(frozen=True)
class Waveform:
    """A decoded clip: `audio` (samples,) mono float32 at the requested rate. peak: before resampling; full scale is 1."""

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

    batch: windows a network call. Other clips change a result by at most 1e-5, and on a CPU, where scorers run windows one by one, not at
    all. A failed clip is passed on in its place. Errors of `clips` are raised here.
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
    """Measure preprocessing and network on one clip of noise: (clips of `seconds` a second, windows a clip). Without decoding."""
    samples = round(seconds * scorer.sample_rate)
    noise = (hash_uniform(0, np.arange(samples, dtype=np.uint64)) - 0.5).astype(np.float32) * np.float32(0.2)
    scorer.encode_audio(scorer.preprocess(noise)[:1])
    started = time.perf_counter()
    windows = scorer.preprocess(noise)
    scorer.encode_audio(windows)
    return 1 / max(time.perf_counter() - started, 1e-9), len(windows)


def _windows(scorer: Scorer, clips: Iterable[Waveform | Failed]) -> Iterator[tuple[str, torch.Tensor] | Failed]:
    for clip in clips:
        if isinstance(clip, Failed):
            yield clip
        else:
            yield clip.key, scorer.preprocess(clip.audio)


def _run(scorer: Scorer, inputs: list[torch.Tensor], batch: int) -> Float32s:
    """One network call. On a GPU the last batch is filled up with zeros, so that every call has the same shape."""
    stacked = torch.stack(inputs)
    if scorer.device != "cpu" and len(inputs) < batch:
        stacked = torch.cat([stacked, stacked.new_zeros(batch - len(inputs), *stacked.shape[1:])])
    result: Float32s = scorer.encode_audio(stacked)[: len(inputs)].numpy().astype(np.float32)
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


VERSION = 2
CARRY_COLUMNS = ("sha256", "start_ms", "length_ms")


@dataclass(frozen=True)
class ClipPlan:
    """One clip of the plan, not yet decoded."""

    clip_id: str
    track_id: str
    track_key: str
    sha256: str
    split: str
    start_ms: int
    length_ms: int

    @property
    def content(self) -> tuple[str, int, int]:
        """What decides the embedding, besides the scorer."""
        return self.sha256, self.start_ms, self.length_ms

    @property
    def title(self) -> str:
        """Names the clip in messages and dead letters."""
        return clip_title(self.track_key, self.start_ms)


def clip_title(track_key: str, start_ms: int) -> str:
    """Names a clip for people, for example "song.mp3 @ 30 s"."""
    return f"{track_key} @ {start_ms / 1000:g} s"


def plan_clips(tracks: pa.Table) -> list[ClipPlan]:
    """Tracks (schemas.INGEST) -> their clips in key order (track id, start)."""
    columns = ["track_id", "key", "sha256", "split", "clips"]
    plans = [
        ClipPlan(clip["clip_id"], row["track_id"], row["key"], row["sha256"], row["split"], clip["start_ms"], clip["length_ms"])
        for row in tracks.select(columns).to_pylist()
        for clip in row["clips"]
    ]
    return sorted(plans, key=lambda plan: (plan.track_id, plan.start_ms))


Oddities = dict[str, tuple[tuple[str, str], ...]]
"""Warnings by clip: (reason, message) pairs (core.audio.decode)."""


def read_waveforms(audio: str, plans: Sequence[ClipPlan], rate: int, odd: Oddities | None = None) -> Iterator[Waveform | Failed]:
    """Decode and resample clips in their order, track by track. A clip that fails is passed on as Failed, alone.

    odd: gets the warnings of a clip before the clip is yielded.
    """
    start = 0
    while start < len(plans):
        end = start
        while end < len(plans) and plans[end].track_id == plans[start].track_id:
            end += 1
        yield from _read_track(audio, plans[start:end], rate, {} if odd is None else odd)
        start = end


def _read_track(audio: str, plans: Sequence[ClipPlan], rate: int, odd: Oddities) -> Iterator[Waveform | Failed]:
    waiting = list(plans)
    try:
        with open_audio(audio, plans[0].track_key) as file:
            spans = [(plan.start_ms, plan.length_ms) for plan in plans]
            for span in decode_spans(file, plans[0].track_key, spans):
                plan = waiting.pop(0)
                if isinstance(span, DecodedSpan):
                    odd[plan.clip_id] = span.odd
                    yield Waveform(plan.clip_id, resample(span.audio, span.sample_rate, rate), peak_of(span.audio))
                else:
                    yield Failed(plan.clip_id, span)
    except RowError as error:
        for plan in waiting:
            yield Failed(plan.clip_id, error)


def embed_part(context: PartContext, tracks: pa.Table, audio: str, scorer: Scorer, batch: int, carry: CarryOver) -> Iterator[pa.Table]:
    """Tracks of one part (schemas.INGEST) -> one table of schemas.embed_schema(scorer.dim), in key order.

    audio: the corpus. batch: windows a network call. Rows of earlier datasets (same scorer, audio hash and span) are carried over.
    """
    plans = plan_clips(tracks)
    schema = embed_schema(scorer.dim)
    context.device = scorer.device
    earlier = carry.take([plan.content for plan in plans])
    context.count("carried", sum(plan.content in earlier for plan in plans))
    context.advance(len(earlier))
    done: dict[str, pa.Table | Embedded] = {plan.clip_id: earlier[plan.content] for plan in plans if plan.content in earlier}
    fresh = [plan for plan in plans if plan.content not in earlier]
    planned = {plan.clip_id: plan for plan in fresh}
    odd: Oddities = {}
    for result in embed_clips(scorer, read_waveforms(audio, fresh, scorer.sample_rate, odd), batch):
        context.advance()
        if isinstance(result, Failed):
            context.reject(planned[result.key].title, result.error, planned[result.key].track_key)
        else:
            context.count("windows", result.windows)
            done[result.key] = result
    living = [plan for plan in plans if plan.clip_id in done]
    if not living:
        return
    windows, vectors, oddities = [], [], []
    for plan in living:
        item = done[plan.clip_id]
        warnings = odd.get(plan.clip_id, ()) if isinstance(item, Embedded) else _oddities(item)
        oddities.append([{"reason": reason, "message": message} for reason, message in warnings])
        for reason, message in warnings:
            context.warn(reason, plan.title, message)
        windows.append(item.windows if isinstance(item, Embedded) else item.column("windows")[0].as_py())
        vectors.append(item.embedding if isinstance(item, Embedded) else stored_vector(item, "embedding"))
    yield pa.table(
        {
            "clip_id": [plan.clip_id for plan in living],
            "track_id": [plan.track_id for plan in living],
            "sha256": [plan.sha256 for plan in living],
            "start_ms": [plan.start_ms for plan in living],
            "length_ms": [plan.length_ms for plan in living],
            "split": [plan.split for plan in living],
            "windows": pa.array(windows, pa.int16()),
            "odd": pa.array(oddities, pa.list_(ODDITY)),
            "embedding": vectors_column(np.stack(vectors)),
        },
        schema,
    )


def _oddities(row: pa.Table) -> tuple[tuple[str, str], ...]:
    return tuple((warning["reason"], warning["message"]) for warning in row.column("odd")[0].as_py())
