"""vocabulary: Beam groups captions by their normalised text, so that one caption stays of all that say the same words."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import TaggedOutput

from noise2music.core.storage import hash_uri
from noise2music.core.tally import Tally
from noise2music.labeling.captions.builtin import builtin_sentences, builtin_tags
from noise2music.labeling.captions.contamination import held_out_inputs, read_held_out
from noise2music.labeling.captions.text import MAX_CHARACTERS, key_id
from noise2music.labeling.captions.vocabulary import Variant, check_captions, keyed, merge, read_captions
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, part_of
from noise2music.labeling.schemas import VOCABULARY
from noise2music.labeling.settings import VocabularySettings
from noise2music.labeling.stages import vocabulary as stage
from noise2music.labeling.stages.vocabulary import labels_training
from noise2music.pipelines.progress import show_progress
from noise2music.pipelines.runners import new_pipeline, run_pipeline
from noise2music.pipelines.session import Session
from noise2music.pipelines.spread import Grouped, PartWriter, write_grouped
from noise2music.pipelines.written import written

_BLOCK = 200_000
_UNFIT = {"empty": "texts without a letter or digit", "too_long": f"texts of more than {MAX_CHARACTERS:,} characters"}

Spelling = tuple[Variant, int]
Merged = tuple[dict[str, Any], int]


@dataclass(frozen=True)
class _Read:
    name: str
    settings: VocabularySettings

    def __call__(self, _: None) -> Iterator[Any]:
        losses: Counter[str] = Counter()
        unreadable, notes = Tally(), Tally()
        for block in _blocks(keyed(read_captions(self.name, self.settings, unreadable, notes), losses)):
            yield from _combine(block)
        for reason, number in losses.items():
            notes.lose(reason, f"{self.settings.source}: {_UNFIT.get(reason, reason)}", number)
        notes.add(unreadable)
        yield TaggedOutput("losses", (0, (losses + unreadable.lost, notes)))


def _blocks(captions: Iterator[tuple[str, Variant]]) -> Iterator[list[tuple[str, Variant]]]:
    while block := list(islice(captions, _BLOCK)):
        yield block


def _combine(block: Iterable[tuple[str, Variant]]) -> Iterator[tuple[str, Spelling]]:
    """Equal variants of a block become one, so that far less goes through the grouping."""
    rows: Counter[tuple[str, str, str]] = Counter()
    occurrences: Counter[tuple[str, str, str]] = Counter()
    for key, variant in block:
        same = (key, variant.text, variant.split)
        rows[same] += 1
        occurrences[same] += variant.occurrences
    for (key, text, split), count in rows.items():
        yield key, (Variant(text, split, occurrences[key, text, split]), count)


@dataclass(frozen=True)
class _Merge:
    parts: int

    def __call__(self, group: tuple[str, Iterable[Spelling]]) -> tuple[int, Merged]:
        spellings = list(group[1])
        row = merge(key_id(group[0]), [variant for variant, _ in spellings])
        return part_of(row["caption_id"], self.parts), (row, sum(rows for _, rows in spellings) - 1)


def _tables(name: str, sources: tuple[str, ...], grouped: Grouped, context: PartContext) -> Iterator[pa.Table]:
    """sources: of held-out captions."""
    merged: list[Merged] = list(grouped["merged"])
    losses: Counter[str] = Counter()
    notes = Tally()
    for counted, remarks in grouped["losses"]:
        losses.update(counted)
        notes.add(remarks)
    losses["duplicate"] += sum(duplicates for _, duplicates in merged)
    held_out = read_held_out(sources) if sources else None
    return stage.vocabulary_part(context, name, (row for row, _ in merged), +losses, held_out, notes)


def vocabulary(session: Session, name: str) -> Dataset:
    """The captions of `[vocabulary.NAME]` -> schemas.VOCABULARY; those of kind "written" from schemas.SONGS and schemas.WRITE.

    Raises UserError when there are none, and when a held-out caption could label training tracks.
    """
    settings = session.settings.vocabulary[name]
    if settings.kind == "written":
        return written(session, name)
    held_out = session.settings.held_out if labels_training(settings) else ()

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        writer = PartWriter(session.settings.root, identity, VOCABULARY)
        pipeline = new_pipeline(session.settings.run)
        read = (
            pipeline
            | "source" >> beam.Create([None])
            | "read" >> beam.FlatMap(_Read(name, settings)).with_outputs("losses", main="captions")
        )
        merged = read.captions | "same words" >> beam.GroupByKey() | "merge" >> beam.Map(_Merge(identity.parts))
        write_grouped(pipeline, writer, parts, partial(_tables, name, held_out), merged=merged, losses=read.losses)
        with show_progress("vocabulary", None):
            run_pipeline(pipeline)

    inputs = {"source": _source_identity(settings)} | held_out_inputs(held_out)
    config = settings.model_dump(mode="json", include={"kind", "column", "caption_split"})
    dataset = session.build("vocabulary", stage.VERSION, make_parts, name=name, config=config, inputs=inputs)
    lost = {key.removeprefix("lost:"): int(value) for key, value in dataset.manifest.stats.items() if key.startswith("lost:")}
    examples = [text for reason, texts in dataset.manifest.warned.items() if reason in lost for text in texts]
    check_captions(name, settings, dataset.manifest.rows, Counter(lost), examples)
    return dataset


def _source_identity(settings: VocabularySettings) -> str:
    if settings.source and not settings.kind.startswith("builtin"):
        return hash_uri(settings.source)
    words = [tag.text for tag in builtin_tags() if tag.is_label] + builtin_sentences()
    return hashlib.sha256("\n".join(words).encode()).hexdigest()
