"""audio and shard: the clips as FLAC, once for all labels; then training rows with every text and the place of the audio."""

import hashlib
from collections.abc import Iterator, Sequence
from functools import partial

import pyarrow as pa

from noise2music.core.storage import open_store
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import CarryOver
from noise2music.labeling.schemas import AUDIO, SHARD
from noise2music.labeling.settings import Shards
from noise2music.labeling.stages import audio as audio_stage
from noise2music.labeling.stages import shard as shard_stage
from noise2music.labeling.stages.embed import CARRY_COLUMNS
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import part_local


def _audio_part(
    context: PartContext, tracks: pa.Table, audio: str, settings: Shards, files: int, root: str, carry: CarryOver
) -> Iterator[pa.Table]:
    return audio_stage.audio_part(context, tracks, audio, settings, files, open_store(root), carry)


def audio(session: Session) -> Dataset:
    """schemas.INGEST -> schemas.AUDIO, part by part.

    Its identity covers the clips and what their tracks contain: titles, licences, splits and labels may change, and no audio is written.
    """
    settings, tracks = session.settings, session.dataset("ingest")
    files = audio_stage.files_a_part(settings.parts, _clip_seconds(tracks), settings.shards)
    tables = partial(_audio_part, audio=settings.corpus.audio, settings=settings.shards, files=files, root=settings.root)
    make_parts = part_local(session, AUDIO, tables, [tracks], rows=_clips(tracks), carry=CARRY_COLUMNS)
    clips = audio_stage.clips_digest(tracks.tables(["track_id", "sha256", "clips"]))
    # Named as what `row_identity` leaves out: earlier rows are carried over whatever other clips there were, however they were spread.
    inputs = {"corpus": hashlib.sha256(f"{clips} in {files} files a part".encode()).hexdigest()}
    config = settings.shards.model_dump(mode="json", exclude={"target_mb"})
    return session.build("audio", audio_stage.VERSION, make_parts, config=config, inputs=inputs, shares_files=True)


def _clips(tracks: Dataset) -> int:
    return int(tracks.manifest.stats.get("clips", 0))


def _clip_seconds(tracks: Dataset) -> float:
    """The length of all clips together."""
    lists = (table.column("clips").combine_chunks().flatten() for table in tracks.tables(["clips"]))
    return sum(int(length) for clips in lists for length in clips.field("length_ms").to_pylist()) / 1000


def _shard_part(context: PartContext, tracks: pa.Table, audio: pa.Table, *labels: pa.Table, names: Sequence[str]) -> Iterator[pa.Table]:
    return shard_stage.shard_part(context, tracks, audio, dict(zip(names, labels, strict=True)))


def shard(session: Session) -> Dataset:
    """schemas.INGEST, schemas.AUDIO and schemas.SAMPLE of each vocabulary -> schemas.SHARD, part by part."""
    tracks = session.dataset("ingest")
    names = sorted(session.settings.vocabulary)
    parents = [tracks, session.dataset("audio"), *(session.dataset("sample", name) for name in names)]
    tables = partial(_shard_part, names=names)
    make_parts = part_local(session, SHARD, tables, parents, rows=_clips(tracks), row_group_rows=shard_stage.ROW_GROUP_ROWS)
    return session.build("shard", shard_stage.VERSION, make_parts, parents=parents)
