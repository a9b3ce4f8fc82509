"""count: the one global barrier, a sum of vectors over all parts."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import apache_beam as beam

from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.schemas import COUNT
from noise2music.labeling.stages import count as stage
from noise2music.pipelines.runners import new_pipeline, run_pipeline
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import PartWriter

PartCounts = tuple[frozenset[int], stage.Counts]


@dataclass(frozen=True)
class _CountPart:
    candidates: Dataset
    vocabulary_size: int

    def __call__(self, part: int) -> PartCounts:
        return frozenset([part]), stage.count_part(self.candidates.read_part(part, ["captions"]), self.vocabulary_size)


@dataclass(frozen=True)
class _Sum:
    vocabulary_size: int

    def __call__(self, counted: Iterable[PartCounts]) -> PartCounts:
        pairs = list(counted)
        zero = stage.no_counts(self.vocabulary_size)
        return frozenset().union(*(parts for parts, _ in pairs)), stage.sum_counts([zero, *(counts for _, counts in pairs)])


@dataclass(frozen=True)
class _Write:
    writer: PartWriter
    captions: Dataset
    parts: int

    def __call__(self, counted: PartCounts) -> None:
        stage.refuse_missing(counted[0], self.parts)
        ids = self.captions.read(["caption_id"]).column("caption_id")
        self.writer.write(0, lambda _: iter([stage.count_table(ids, counted[1])]))


def count(session: Session, vocabulary: str) -> Dataset:
    """schemas.RETRIEVE of all parts -> schemas.COUNT, one part."""
    candidates, captions = session.dataset("retrieve", vocabulary), session.dataset("vocabulary", vocabulary)

    def make_parts(identity: Identity, _parts: Sequence[int]) -> None:
        pipeline = new_pipeline(session.settings.run)
        size = captions.manifest.rows
        _ = (
            pipeline
            | "parts" >> beam.Create(list(candidates.parts))
            | beam.Reshuffle()
            | "count" >> beam.Map(_CountPart(candidates, size))
            | "sum" >> beam.CombineGlobally(_Sum(size))
            | "write" >> beam.Map(_Write(PartWriter(session.settings.root, identity, COUNT), captions, len(candidates.parts)))
        )
        run_pipeline(pipeline)

    return session.build("count", stage.VERSION, make_parts, name=vocabulary, parts=1, parents=[candidates, captions])
