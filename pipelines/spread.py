"""The one place where a function over a part becomes a Beam job."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa

from labeling.fingerprint import Identity
from labeling.parts import PartContext, write_part
from labeling.storage import open_store
from pipelines.progress import finished_parts, show_progress
from pipelines.runners import new_pipeline, run_pipeline
from pipelines.settings import RunSettings

PartTables = Callable[[PartContext], Iterator[pa.Table]]


@dataclass(frozen=True)
class PartWriter:
    """Where and how the parts of one dataset are written. Travels to the workers."""

    root: str
    identity: Identity
    schema: pa.Schema
    row_group_rows: int | None = None

    def write(self, part: int, tables: PartTables) -> None:
        """Make one part with `tables(context)` and write it."""
        context = PartContext(self.identity.stage, part, self.identity.parts, self.identity.attempt)
        write_part(open_store(self.root), self.identity.path, context, tables(context), self.schema, self.row_group_rows)


@dataclass(frozen=True)
class _MakePart:
    writer: PartWriter
    tables: PartTables

    def __call__(self, part: int) -> None:
        self.writer.write(part, self.tables)


def spread(run: RunSettings, writer: PartWriter, parts: Sequence[int], tables: PartTables, total: int | None = None) -> None:
    """Make `parts`, each by `tables` (a picklable callable), on the workers. `total`: rows expected, for the progress line."""
    spread_parts(run, writer, parts, _MakePart(writer, tables), total)


def spread_parts(run: RunSettings, writer: PartWriter, parts: Sequence[int], make_part: Callable[[int], None], total: int | None) -> None:
    """Call `make_part`, which writes with `writer`, for each of `parts` on the workers."""
    pipeline = new_pipeline(run)
    _ = pipeline | "parts" >> beam.Create(list(parts)) | "spread" >> beam.Reshuffle() | writer.identity.stage >> beam.Map(make_part)
    with show_progress(writer.identity.stage, total, finished_parts(writer.root, writer.identity, parts)):
        run_pipeline(pipeline)
