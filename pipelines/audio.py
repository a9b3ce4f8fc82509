"""audio: the clips as FLAC, part by part, once for all labels."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pyarrow as pa

from noise2music.core.storage import open_store
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import carry_over
from noise2music.labeling.schemas import AUDIO
from noise2music.labeling.settings import Shards
from noise2music.labeling.stages import audio as stage
from noise2music.labeling.stages.embed import CARRY_COLUMNS
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter, spread


@dataclass(frozen=True)
class _Tables:
    identity: Identity
    tracks: Dataset
    root: str
    audio: str
    settings: Shards
    files: int

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        store = open_store(self.root)
        carry = carry_over(store, self.identity, CARRY_COLUMNS)
        tracks = self.tracks.read_part(context.part)
        return stage.audio_part(context, tracks, self.audio, self.settings, self.files, store, carry)


def audio(session: Session, tracks: Dataset) -> Dataset:
    """schemas.INGEST -> schemas.AUDIO, part by part.

    Its identity covers the clips and what their tracks contain: titles, licences, splits and labels may change, and no audio is written.
    """
    settings = session.settings
    seconds = _clip_seconds(tracks)
    files = stage.files_a_part(settings.parts, seconds, settings.shards)

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(settings.root, identity, AUDIO)
        tables = _Tables(identity, tracks, settings.root, settings.corpus.audio, settings.shards, files)
        spread(settings.run, writer, parts, tables, int(tracks.manifest.stats.get("clips", 0)), settings.max_dead)

    clips = stage.clips_digest(tracks.tables(["track_id", "sha256", "clips"]))
    # Named as what `row_identity` leaves out: earlier rows are carried over whatever other clips there were, however they were spread.
    inputs = {"corpus": hashlib.sha256(f"{clips} in {files} files a part".encode()).hexdigest()}
    config = settings.shards.model_dump(mode="json", exclude={"target_mb"})
    return session.build("audio", stage.VERSION, make_parts, config=config, inputs=inputs, shares_files=True)


def _clip_seconds(tracks: Dataset) -> float:
    """The length of all clips together."""
    lists = (table.column("clips").combine_chunks().flatten() for table in tracks.tables(["clips"]))
    return sum(int(length) for clips in lists for length in clips.field("length_ms").to_pylist()) / 1000
