"""embed: the clips' embeddings. Each worker process loads the scorer once; its threads share it."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import carry_over
from noise2music.labeling.schemas import embed_schema
from noise2music.labeling.stages import embed as stage
from noise2music.labeling.stages.embed import clips_per_second
from noise2music.pipelines.progress import duration
from noise2music.pipelines.scorer import ScorerHandle
from noise2music.pipelines.session import Session, log
from noise2music.pipelines.spread import PartWriter, spread


@dataclass(frozen=True)
class _Tables:
    identity: Identity
    tracks: Dataset
    audio: str
    scorer: ScorerHandle
    batch: int

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        carry = carry_over(self.tracks.store, self.identity, stage.CARRY_COLUMNS)
        tracks = self.tracks.read_part(context.part)
        return stage.embed_part(context, tracks, self.audio, self.scorer.load(), self.batch, carry)


def embed(session: Session, tracks: Dataset, scorer: ScorerHandle) -> Dataset:
    """schemas.INGEST -> schemas.embed_schema, part by part."""

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, embed_schema(scorer.dim))
        tables = _Tables(identity, tracks, session.settings.corpus.audio, scorer, session.settings.run.batch_size)
        clips = int(tracks.manifest.stats.get("clips", 0))
        _say_device(session, scorer, clips)
        spread(session.settings.run, writer, parts, tables, clips, session.settings.max_dead)

    return session.build("embed", stage.VERSION, make_parts, inputs={"scorer": scorer.identity}, parents=[tracks])


def _say_device(session: Session, scorer: ScorerHandle, clips: int) -> None:
    """Which device, and on a CPU, loudly, how long all clips will take at the speed measured here."""
    if scorer.device != "cpu":
        log.info("embed: %s on %s", scorer.name, scorer.device)
        return
    rate, _ = clips_per_second(scorer.load(), session.settings.corpus.clip_seconds)
    workers = min(session.settings.run.workers, os.cpu_count() or 1)
    left = duration(clips / max(rate * workers, 1e-9))
    log.warning("embed: %s on the CPU, NO GPU IS USED: %s clips at %.1f clips/s, about %s", scorer.name, f"{clips:,}", rate * workers, left)
