"""The one place where a function over a part becomes a Beam job."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import apache_beam as beam
import pyarrow as pa

from noise2music.core.storage import open_store
from noise2music.labeling.datasets.dead_limit import DeadLimit, TooManyDead
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, write_part
from noise2music.pipelines.progress import finished_parts, show_progress
from noise2music.pipelines.runners import new_pipeline, run_pipeline
from noise2music.pipelines.settings import RunSettings
from noise2music.pipelines.stops import begin, is_doomed, leave_dead, look_around, raise_stopped

PartTables = Callable[[PartContext], Iterator[pa.Table]]


@dataclass(frozen=True)
class PartWriter:
    """Where and how the parts of one dataset are written, and how many of its rows may die. Travels to the workers."""

    root: str
    identity: Identity
    schema: pa.Schema
    row_group_rows: int | None = None
    limit: DeadLimit | None = None

    def write(self, part: int, tables: PartTables) -> None:
        """Make one part with `tables(context)` and write it. A part is left where too many rows of the stage are dead, and word of it."""
        identity, store = self.identity, open_store(self.root)
        if self.limit is not None:
            if is_doomed(store, identity):
                return
            look_around(store, identity, self.limit, part)
        context = PartContext(identity.stage, part, identity.parts, identity.attempt, self.limit)
        try:
            write_part(store, identity.path, context, tables(context), self.schema, self.row_group_rows)
        except TooManyDead as stopped:
            leave_dead(store, identity, context, str(stopped))


@dataclass(frozen=True)
class _MakePart:
    writer: PartWriter
    tables: PartTables

    def __call__(self, part: int) -> None:
        self.writer.write(part, self.tables)


def spread(
    run: RunSettings, writer: PartWriter, parts: Sequence[int], tables: PartTables, rows: int | None = None, max_dead: float = 1.0
) -> None:
    """Make `parts`, each by `tables` (a picklable callable), on the workers.

    rows: of the whole stage, at most, for the progress line and `max_dead`. Raises UserError as soon as more than `max_dead` of them are
    dead, or as good as sure to be (labeling.datasets.dead_limit).
    """
    root = open_store(writer.root)
    limit, parts = begin(root, writer.identity, parts, max_dead, rows)
    limited = replace(writer, limit=limit)
    try:
        spread_parts(run, limited, parts, _MakePart(limited, tables), rows)
    finally:
        if limit is not None:
            limit.forget()
    raise_stopped(root, writer.identity, parts)


def spread_parts(run: RunSettings, writer: PartWriter, parts: Sequence[int], make_part: Callable[[int], None], total: int | None) -> None:
    """Call `make_part`, which writes with `writer`, for each of `parts` on the workers."""
    pipeline = new_pipeline(run)
    _ = pipeline | "parts" >> beam.Create(list(parts)) | "spread" >> beam.Reshuffle() | writer.identity.stage >> beam.Map(make_part)
    with show_progress(writer.identity.stage, total, finished_parts(writer.root, writer.identity, parts)):
        run_pipeline(pipeline)
