"""copies: an inverted index of fingerprints. Beam spreads its steps; what goes from one to the next goes through files of the root, since
Beam's local runner would keep all of it in memory. The files lie in `cache/copies` and are removed in the end.
"""

import math
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial

import apache_beam as beam
import pyarrow as pa

from noise2music.core.storage import Store
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.memorization import chains, inverted_index, links
from noise2music.labeling.schemas import COPIES
from noise2music.labeling.stages import copies as stage
from noise2music.labeling.stages.copies import Passage, Tracks
from noise2music.pipelines.progress import show_progress
from noise2music.pipelines.runners import new_pipeline, run_pipeline
from noise2music.pipelines.session import Session
from noise2music.pipelines.settings import RunSettings
from noise2music.pipelines.spread import PartWriter, spread

FOLDER = "cache/copies"
_LEFT_BEHIND = 86_400.0
"""Files of a run that was killed are removed once they are a day old: another run may be at work."""


@lru_cache(maxsize=1)
def _tracks(passage: Passage) -> Tracks:
    return stage.read_tracks(passage)


@lru_cache(maxsize=1)
def _rows(passage: Passage) -> pa.Table:
    return stage.group_rows(_tracks(passage), stage.read_links(passage, "audio"), stage.read_links(passage, "near"))


@dataclass(frozen=True)
class _Index:
    fingerprints: Dataset
    passage: Passage

    def __call__(self, part: int) -> None:
        stage.index_part(self.fingerprints, part, self.passage)


@dataclass(frozen=True)
class _Link:
    passage: Passage

    def __call__(self, bucket: int) -> None:
        stage.link_bucket(self.passage, bucket, _tracks(self.passage))


@dataclass(frozen=True)
class _Tables:
    passage: Passage

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        return stage.copies_part(context, _rows(self.passage))


def copies(session: Session) -> Dataset:
    """schemas.FINGERPRINT -> schemas.COPIES: the recordings that are there more than once, by decoded audio or by fingerprint."""
    fingerprints = session.dataset("fingerprint")

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        run = session.settings.run
        _sweep(session.root, FOLDER, time.time() - _LEFT_BEHIND)
        folder = f"{FOLDER}/{identity.fingerprint}-{uuid.uuid4().hex[:8]}"
        passage = Passage(session.settings.root, folder, stage.bucket_count(fingerprints))
        try:
            with show_progress("copies", None):
                each = partial(_each, run) if passage.buckets > 1 else _here
                each("index", fingerprints.parts, _Index(fingerprints, passage))
                each("votes", range(passage.buckets), partial(stage.vote_bucket, passage))
                each("links", range(passage.buckets), _Link(passage))
            spread(run, PartWriter(session.settings.root, identity, COPIES), parts, _Tables(passage))
        finally:
            _sweep(session.root, folder)

    config = {"most_shared": inverted_index.MOST_SHARED, "least_votes": links.LEAST_VOTES, "least_lead": links.LEAST_LEAD}
    config |= {"sure_share": links.SURE_SHARE, "chains": chains.VERSION}
    return session.build("copies", stage.VERSION, make_parts, config=config, parents=[fingerprints])


def _here(_: str, numbers: Sequence[int], work: Callable[[int], None]) -> None:
    """What fits into one bucket is done sooner than workers start."""
    for number in numbers:
        work(number)


def _each(run: RunSettings, name: str, numbers: Sequence[int], work: Callable[[int], None]) -> None:
    pipeline = new_pipeline(run)
    _ = pipeline | "numbers" >> beam.Create(list(numbers)) | "spread" >> beam.Reshuffle() | name >> beam.Map(work)
    run_pipeline(pipeline)


def _sweep(root: Store, folder: str, before: float = math.inf) -> None:
    """Remove the files below a folder that were written before a time."""
    for entry in list(root.entries(folder)):
        if entry.modified < before:
            root.delete(entry.path)
