"""The one place where a function over a part becomes a Beam job."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import apache_beam as beam
import pyarrow as pa

from noise2music.core.storage import open_store
from noise2music.labeling.datasets.build import MakeParts
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.dead_limit import DeadLimit, TooManyDead
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import PartContext, write_part
from noise2music.labeling.datasets.reuse import carry_over
from noise2music.pipelines.progress import finished_parts, show_progress
from noise2music.pipelines.runners import new_pipeline, run_pipeline
from noise2music.pipelines.session import Session
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


Grouped = dict[str, Iterable[Any]]
"""What Beam brought together for one part, by name."""


@dataclass(frozen=True)
class _WriteMissing:
    writer: PartWriter
    tables: Callable[[Grouped, PartContext], Iterator[pa.Table]]

    def __call__(self, group: tuple[int, Grouped]) -> None:
        part, grouped = group
        if list(grouped["missing"]):
            self.writer.write(part, partial(self.tables, grouped))


def write_grouped(
    pipeline: beam.Pipeline,
    writer: PartWriter,
    parts: Sequence[int],
    tables: Callable[[Grouped, PartContext], Iterator[pa.Table]],
    **collections: beam.PCollection[Any],
) -> None:
    """Bring `collections` of (part, value) together by part and write those of `parts`, each with `tables(grouped, context)`.

    tables: picklable. A part is there with what each collection holds for it by the collection's name, in no order.
    """
    missing = pipeline | "missing parts" >> beam.Create([(part, None) for part in parts])
    _ = {**collections, "missing": missing} | "by part" >> beam.CoGroupByKey() | "write" >> beam.Map(_WriteMissing(writer, tables))


@dataclass(frozen=True)
class _FromParts:
    function: Callable[..., Iterator[pa.Table]]
    reads: tuple[Dataset, ...]
    identity: Identity
    carry: tuple[str, ...]

    def __call__(self, context: PartContext) -> Iterator[pa.Table]:
        earlier = {"carry": carry_over(self.reads[0].store, self.identity, self.carry)} if self.carry else {}
        return self.function(context, *(dataset.read_part(context.part) for dataset in self.reads), **earlier)


def part_local(
    session: Session,
    schema: pa.Schema,
    function: Callable[..., Iterator[pa.Table]],
    reads: Sequence[Dataset],
    rows: int | None = None,
    carry: Sequence[str] = (),
    row_group_rows: int | None = None,
    before: Callable[[], None] | None = None,
) -> MakeParts:
    """How the parts of a stage are made of which part 17 is made from part 17 of `reads` alone; for `session.build`.

    function: called on a worker as `function(context, table, ...)` with a table for each of `reads`, gives tables of `schema`. It has to
    be picklable: a function of a module, with `functools.partial` where it takes more. rows: of the whole stage, at most; as many as the
    first of `reads` has where nothing is said. carry: the columns that a row is known by; given these, the function is called with
    `carry=`, the rows that earlier datasets of the stage hold (labeling.datasets.reuse). before: called here before parts are made.
    """

    def make_parts(identity: Identity, parts: Sequence[int]) -> None:
        if before is not None:
            before()
        settings = session.settings
        writer = PartWriter(settings.root, identity, schema, row_group_rows)
        tables = _FromParts(function, tuple(reads), identity, tuple(carry))
        spread(settings.run, writer, parts, tables, reads[0].manifest.rows if rows is None else rows, settings.max_dead)

    return make_parts
