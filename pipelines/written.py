"""vocabulary of kind "written": Beam cleans replies part by part, groups equal captions, then captions that share a band of hashes.

Sentences travel as compressed Arrow tables, one for each pair of parts, never one by one: grouping holds a fraction of the text. By bands
go the sketches of captions first, and then the texts of those few that sketches cannot tell from near duplicates.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.pvalue import TaggedOutput

from noise2music.core.tally import Tally
from noise2music.labeling.captions.cleaning.chain import Chain, rules_identity
from noise2music.labeling.captions.contamination import check_contamination, held_out_inputs, read_held_out
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, part_of
from noise2music.labeling.schemas import VOCABULARY
from noise2music.labeling.stages import written as stage
from noise2music.labeling.stages.vocabulary import labels_training
from noise2music.labeling.writer_settings import Clean
from noise2music.pipelines.progress import show_progress
from noise2music.pipelines.runners import new_pipeline, run_pipeline
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import Grouped, PartWriter, write_grouped

_COMPRESSED = pa.ipc.IpcWriteOptions(compression="zstd")


def pack(table: pa.Table) -> bytes:
    """A table as compressed bytes."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema, options=_COMPRESSED) as stream:
        stream.write_table(table)
    packed: bytes = sink.getvalue().to_pybytes()
    return packed


def unpack(packed: bytes) -> pa.Table:
    """The table that was packed."""
    with pa.ipc.open_stream(packed) as stream:
        return stream.read_all()


@lru_cache(maxsize=2)
def _chain(clean: Clean, held_out: tuple[str, ...]) -> Chain:
    return Chain(clean, read_held_out(held_out) if held_out else None)


@dataclass(frozen=True)
class _CleanPart:
    songs: Dataset
    replies: Dataset
    clean: Clean
    held_out: tuple[str, ...]
    parts: int

    def __call__(self, part: int) -> Iterator[Any]:
        tally = Tally()
        replies = self.replies.read_part(part, ["song_id", "text"])
        sentences = stage.clean_part(self.songs.read_part(part), replies, _chain(self.clean, self.held_out), tally)
        numbers = [part_of(caption_id, self.parts) for caption_id in sentences.column("caption_id").to_pylist()]
        for number, rows in stage.split_by(sentences, numbers):
            yield number, pack(rows)
        yield TaggedOutput("tallies", (0, (tally, len(replies))))


@dataclass(frozen=True)
class _MergePart:
    parts: int
    near_duplicate: bool

    def __call__(self, group: tuple[int, Iterable[bytes]]) -> Iterator[Any]:
        part, packed = group
        tally = Tally()
        captions = stage.merge_part((unpack(item) for item in packed), tally)
        yield part, pack(captions)
        yield TaggedOutput("tallies", (part, (tally, 0)))
        if self.near_duplicate:
            for number, rows in _by_band(stage.sketches(captions), self.parts):
                yield TaggedOutput("sketches", (number, (part, pack(rows))))


def _by_band(rows: pa.Table, parts: int) -> Iterator[tuple[int, pa.Table]]:
    return stage.split_by(rows, (rows.column("band").to_numpy() % np.uint64(parts)).astype(np.int64))


@dataclass(frozen=True)
class _Near:
    threshold: float

    def __call__(self, group: tuple[int, Iterable[tuple[int, bytes]]]) -> Iterator[tuple[int, bytes]]:
        for part, members in stage.near(((part, unpack(packed)) for part, packed in group[1]), self.threshold):
            yield part, pack(members)


@dataclass(frozen=True)
class _Texts:
    parts: int

    def __call__(self, group: tuple[int, dict[str, Iterable[bytes]]]) -> Iterator[Any]:
        part, grouped = group
        for packed in grouped["captions"]:
            yield part, packed
            rows = stage.bands(unpack(packed), map(unpack, grouped["members"]))
            for number, table in _by_band(rows, self.parts):
                yield TaggedOutput("bands", (number, pack(table)))


@dataclass(frozen=True)
class _Fallen:
    parts: int
    threshold: float

    def __call__(self, group: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, list[str]]]:
        by_part: dict[int, list[str]] = {}
        for caption_id in stage.fallen((unpack(item) for item in group[1]), self.threshold):
            by_part.setdefault(part_of(caption_id, self.parts), []).append(caption_id)
        yield from by_part.items()


def _tables(name: str, sources: tuple[str, ...], grouped: Grouped, context: PartContext) -> Iterator[pa.Table]:
    """sources: of held-out captions."""
    near = {caption_id for ids in grouped["fallen"] for caption_id in ids}
    tally, replies = Tally(), 0
    for counted, number in grouped["tallies"]:
        tally.add(counted)
        replies += number
    table = pa.concat_tables([VOCABULARY.empty_table(), *map(unpack, grouped["captions"])])
    for captions in stage.written_part(context, table, near, tally, replies):
        if sources:
            check_contamination(name, captions.column("caption").to_pylist(), read_held_out(sources))
        yield captions


def written(session: Session, name: str) -> Dataset:
    """schemas.SONGS and schemas.WRITE -> schemas.VOCABULARY: the captions of `[vocabulary.NAME]` of kind "written"."""
    songs, replies = session.dataset("songs"), session.dataset("write")
    settings, clean = session.settings.vocabulary[name], session.settings.clean
    held_out = session.settings.held_out if labels_training(settings) else ()

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, VOCABULARY)
        pipeline = new_pipeline(session.settings.run)
        cleaned = (
            pipeline
            | "parts of replies" >> beam.Create(list(replies.parts))
            | "spread" >> beam.Reshuffle()
            | "clean" >> beam.FlatMap(_CleanPart(songs, replies, clean, held_out, identity.parts)).with_outputs("tallies", main="sentences")
        )
        merged = (
            cleaned.sentences
            | "same words" >> beam.GroupByKey()
            | "merge"
            >> beam.FlatMap(_MergePart(identity.parts, clean.near_duplicate_threshold is not None)).with_outputs(
                "tallies", "sketches", main="captions"
            )
        )
        near = merged.sketches | "same band" >> beam.GroupByKey() | "sketches" >> beam.FlatMap(_Near(clean.near_duplicate_threshold or 1.0))
        texts = (
            {"captions": merged.captions, "members": near}
            | "members by part" >> beam.CoGroupByKey()
            | "texts" >> beam.FlatMap(_Texts(identity.parts)).with_outputs("bands", main="captions")
        )
        fallen = (
            texts.bands
            | "texts of a band" >> beam.GroupByKey()
            | "near duplicates" >> beam.FlatMap(_Fallen(identity.parts, clean.near_duplicate_threshold or 1.0))
        )
        tallies = (cleaned.tallies, merged.tallies) | "tallies" >> beam.Flatten()
        tables = partial(_tables, name, held_out)
        write_grouped(pipeline, writer, parts, tables, captions=texts.captions, fallen=fallen, tallies=tallies)
        with show_progress("vocabulary", None):
            run_pipeline(pipeline)

    inputs = {"rules": rules_identity()} | held_out_inputs(held_out)
    rules = clean.model_dump(mode="json")
    # Under its former name, so that vocabularies made before the key was renamed keep their fingerprints.
    rules["near_duplicate"] = rules.pop("near_duplicate_threshold")
    config = {"kind": settings.kind, "clean": rules}
    return session.build("vocabulary", stage.VERSION, make_parts, name=name, config=config, inputs=inputs, parents=[songs, replies])
