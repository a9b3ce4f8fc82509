"""embed and embed_text: clips and captions go through the scorer. Each worker process loads it once; its threads share it."""

import os
from collections.abc import Callable, Iterator
from functools import partial

import pyarrow as pa

from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import CarryOver
from noise2music.labeling.schemas import embed_schema, embed_text_schema
from noise2music.labeling.scorers.base import Scorer
from noise2music.labeling.stages import embed as clip_stage
from noise2music.labeling.stages import embed_text as text_stage
from noise2music.pipelines.progress import duration
from noise2music.pipelines.scorer import ScorerHandle
from noise2music.pipelines.session import Session, log
from noise2music.pipelines.spread import part_local


def _embed_part(
    context: PartContext, tracks: pa.Table, audio: str, load: Callable[[], Scorer], batch: int, carry: CarryOver
) -> Iterator[pa.Table]:
    return clip_stage.embed_part(context, tracks, audio, load(), batch, carry)


def _embed_text_part(context: PartContext, captions: pa.Table, load: Callable[[], Scorer], carry: CarryOver) -> Iterator[pa.Table]:
    return text_stage.embed_text_part(context, captions, load(), carry)


def embed(session: Session) -> Dataset:
    """schemas.INGEST -> schemas.embed_schema, part by part."""
    tracks, scorer, settings = session.dataset("ingest"), session.scorer, session.settings
    clips = int(tracks.manifest.stats.get("clips", 0))
    tables = partial(_embed_part, audio=settings.corpus.audio, load=scorer.load, batch=settings.run.batch_size)
    make_parts = part_local(
        session,
        embed_schema(scorer.dim),
        tables,
        [tracks],
        rows=clips,
        carry=clip_stage.CARRY_COLUMNS,
        before=partial(_say_device, session, scorer, clips),
    )
    return session.build("embed", clip_stage.VERSION, make_parts, inputs={"scorer": scorer.identity}, parents=[tracks])


def embed_text(session: Session, vocabulary: str) -> Dataset:
    """schemas.VOCABULARY -> schemas.embed_text_schema, part by part."""
    captions, scorer = session.dataset("vocabulary", vocabulary), session.scorer
    schema = embed_text_schema(scorer.dim, scorer.text_dim)
    make_parts = part_local(session, schema, partial(_embed_text_part, load=scorer.load), [captions], carry=text_stage.CARRY_COLUMNS)
    inputs = {"scorer": scorer.identity}
    return session.build("embed_text", text_stage.VERSION, make_parts, name=vocabulary, inputs=inputs, parents=[captions])


def _say_device(session: Session, scorer: ScorerHandle, clips: int) -> None:
    """Which device, and on a CPU, loudly, how long all clips will take at the speed measured here."""
    if scorer.device != "cpu":
        log.info("embed: %s on %s", scorer.name, scorer.device)
        return
    rate, _ = clip_stage.clips_per_second(scorer.load(), session.settings.corpus.clip_seconds)
    workers = min(session.settings.run.workers, os.cpu_count() or 1)
    left = duration(clips / max(rate * workers, 1e-9))
    log.warning("embed: %s on the CPU, NO GPU IS USED: %s clips at %.1f clips/s, about %s", scorer.name, f"{clips:,}", rate * workers, left)
