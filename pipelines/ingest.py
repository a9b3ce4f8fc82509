"""ingest: Beam groups files by content hash, which finds duplicates across parts; then each part becomes tracks and clips."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa

from labeling.admission import opt_out_keys
from labeling.dataset import Dataset
from labeling.fingerprint import Identity
from labeling.parts import PartContext, part_of
from labeling.schemas import INGEST
from labeling.settings import Corpus
from labeling.stages import ingest as stage
from labeling.storage import read_uri
from pipelines.progress import show_progress
from pipelines.runners import new_pipeline, run_pipeline
from pipelines.session import Session, log
from pipelines.spread import PartWriter

Grouped = tuple[int, dict[str, Iterable[tuple[str, str]]]]


@dataclass(frozen=True)
class _ContentPairs:
    probed: Dataset

    def __call__(self, part: int) -> list[tuple[str, tuple[str, str]]]:
        return list(stage.content_pairs(self.probed.read_part(part, ["sha256", "key", "track_id"])))


@dataclass(frozen=True)
class _DuplicatesByPart:
    parts: int

    def __call__(self, group: tuple[str, Iterable[tuple[str, str]]]) -> list[tuple[int, tuple[str, str]]]:
        return [(part_of(pair[0], self.parts), pair) for pair in stage.duplicates(group[1])]


@dataclass(frozen=True)
class _WritePart:
    writer: PartWriter
    files: Dataset
    probed: Dataset
    corpus: Corpus
    opted_out: frozenset[str]

    def __call__(self, group: Grouped) -> None:
        part, grouped = group
        if not list(grouped["wanted"]):
            return
        first = dict(grouped["duplicates"])

        def tables(context: PartContext) -> Iterator[pa.Table]:
            return stage.ingest_part(context, self.files.read_part(part), self.probed.read_part(part), first, self.corpus, self.opted_out)

        self.writer.write(part, tables)


def ingest(session: Session, files: Dataset, probed: Dataset) -> Dataset:
    """Inventory and probe -> schemas.INGEST."""
    corpus = session.settings.corpus
    opt_out = read_uri(corpus.opt_out).decode("utf-8", "replace") if corpus.opt_out else ""
    opted_out = frozenset(opt_out_keys(opt_out))

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, INGEST)
        pipeline = new_pipeline(session.settings.run)
        pairs = (
            pipeline
            | "all parts" >> beam.Create(list(probed.parts))
            | beam.Reshuffle()
            | "content hashes" >> beam.FlatMap(_ContentPairs(probed))
            | "same content" >> beam.GroupByKey()
            | "duplicates" >> beam.FlatMap(_DuplicatesByPart(identity.parts))
        )
        wanted = pipeline | "missing parts" >> beam.Create([(part, ("", "")) for part in parts])
        _ = (
            {"wanted": wanted, "duplicates": pairs}
            | "by part" >> beam.CoGroupByKey()
            | "tracks" >> beam.Map(_WritePart(writer, files, probed, corpus, opted_out))
        )
        with show_progress("ingest", probed.manifest.rows):
            run_pipeline(pipeline)

    config = corpus.model_dump(mode="json", include={"clip_seconds", "max_clips", "min_seconds", "licences"})
    inputs = {"opt_out": hashlib.sha256("\n".join(sorted(opted_out)).encode()).hexdigest()} if corpus.opt_out else {}
    tracks = session.build("ingest", stage.VERSION, make_parts, config=config, inputs=inputs, parents=[files, probed])
    if corpus.opt_out:
        log.info("opt-out list: %d entries, %d tracks left out", len(opted_out), tracks.manifest.excluded.get("opted_out", 0))
    return tracks
