"""null: scores of random clip-caption pairs of one vocabulary."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa

from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.schemas import NULL
from noise2music.labeling.stages import null as stage
from noise2music.pipelines.runners import new_pipeline, run_pipeline
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter


@dataclass(frozen=True)
class _PartClips:
    clips: Dataset
    seed: int

    def __call__(self, part: int) -> pa.Table:
        return stage.null_clips(self.clips.read_part(part, ["clip_id", "embedding"]), self.seed)


@dataclass(frozen=True)
class _Fold:
    seed: int

    def __call__(self, tables: Iterable[pa.Table]) -> pa.Table | None:
        some = [table for table in tables if table is not None]
        return stage.null_clips(pa.concat_tables(some), self.seed) if some else None


@dataclass(frozen=True)
class _Write:
    writer: PartWriter
    captions: Dataset
    seed: int

    def __call__(self, clips: pa.Table | None) -> None:
        captions = self.captions.read(["caption_id", "embedding"])
        table = NULL.empty_table() if clips is None else stage.null_table(clips, captions, self.seed)
        self.writer.write(0, lambda _: iter([table]))


def null(session: Session, vocabulary: str) -> Dataset:
    """Clip and caption embeddings -> schemas.NULL, one part."""
    clips, captions = session.dataset("embed"), session.dataset("embed_text", vocabulary)

    def make_parts(identity: Identity, _parts: Sequence[int]) -> None:
        seed = session.settings.seed
        pipeline = new_pipeline(session.settings.run)
        _ = (
            pipeline
            | "parts" >> beam.Create(list(clips.parts))
            | beam.Reshuffle()
            | "clips" >> beam.Map(_PartClips(clips, seed))
            | "fold" >> beam.CombineGlobally(_Fold(seed))
            | "pairs" >> beam.Map(_Write(PartWriter(session.settings.root, identity, NULL), captions, seed))
        )
        run_pipeline(pipeline)

    config = {"seed": session.settings.seed, "pairs": stage.NULL_PAIRS}
    return session.build("null", stage.VERSION, make_parts, name=vocabulary, parts=1, config=config, parents=[clips, captions])
