"""Makes one part: living rows become Parquet files, failed rows become dead letters, and the record is written last."""

import io
import json
import threading
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from noise2music.core.errors import RowError, UserError, first_line
from noise2music.core.ids import id_to_int
from noise2music.core.put_first import put_first
from noise2music.core.storage import Store
from noise2music.core.tally import Tally
from noise2music.labeling.datasets.dead_limit import DeadLimit, TooManyDead
from noise2music.labeling.datasets.manifest import PartFile, PartRecord
from noise2music.labeling.schemas import DEAD, VERSION_KEY, version_of

MEND = "Run `n2m label` on that root again: it makes damaged parts anew."
"""What to do about a damaged file of a dataset."""

# How far the stages are, counted where the work is done and read where it is shown. Worker threads of the same process share the
# counters; other processes and machines do not, and are seen through their finished parts.


_lock = threading.Lock()
_rows: Counter[str] = Counter()


def advance(stage: str, rows: int = 1) -> None:
    """Add `rows` finished rows of a stage."""
    with _lock:
        _rows[stage] += rows


def rows_done(stage: str) -> int:
    """Rows of a stage that this process has finished since it started."""
    with _lock:
        return _rows[stage]


def part_name(part: int, parts: int) -> str:
    """The part's name, for example part-00017-of-00064."""
    return f"part-{part:05d}-of-{parts:05d}"


def record_path(part: int, parts: int) -> str:
    """Where a part's record lies below the dataset's folder."""
    return f"stats/{part_name(part, parts)}.json"


def part_of(identifier: str, parts: int) -> int:
    """The part that an id belongs to: fixed by the id and the number of parts, never by workers.

    Ids are hashes, so equal ranges of them give equal parts, and parts one after the other are sorted by id.
    """
    return id_to_int(identifier) * parts >> 64


class PartContext:
    """What a stage's function reports while it makes one part: dead rows, warnings, statistics and progress.

    With a `limit`, `advance` and `reject` raise labeling.datasets.dead_limit.TooManyDead as soon as the stage has to stop.
    """

    def __init__(self, stage: str, part: int, parts: int, attempt: int = 1, limit: DeadLimit | None = None) -> None:
        self.stage = stage
        self.part = part
        self.parts = parts
        self.attempt = attempt
        self.dead: list[dict[str, str | int]] = []
        self.stats: Counter[str] = Counter()
        self.examples: dict[str, tuple[str, ...]] = {}
        self.warnings = Tally()
        self.shared: dict[str, PartFile] = {}
        self.device = "cpu"
        self._count = limit.count() if limit else None
        self._expected: dict[str, RowError] = {}
        self._open = 0

    def reject(self, key: str, error: RowError, subject: str = "") -> None:
        """Send one row to the dead letters. subject: what it is about, where several rows are about one thing (a track, a song)."""
        self.dead.append(self._dead_row(key, error))
        if key not in self._expected:
            self._died(key, error, subject)

    def expect_dead(self, key: str, error: RowError, subject: str = "") -> None:
        """Count a row as dead now; `reject` follows at the end of the part, unless `revive` is called before."""
        if key not in self._expected:
            self._expected[key] = error
            self._died(key, error, subject)

    def expects_dead(self, key: str) -> bool:
        """Whether a row is expected to be dead."""
        return key in self._expected

    def revive(self, key: str) -> bool:
        """Whether a row that was expected to be dead is not so any more."""
        if self._expected.pop(key, None) is None:
            return False
        if self._count is not None:
            self._count.revived()
        return True

    @property
    def stopped(self) -> str | None:
        """Why the stage has to stop, None while it may go on."""
        return self._count.stopped if self._count else None

    def dead_so_far(self) -> list[dict[str, str | int]]:
        """Rows that are dead, and those that are expected to be."""
        keys = {row["key"] for row in self.dead}
        return [*self.dead, *(self._dead_row(key, error) for key, error in self._expected.items() if key not in keys)]

    def _dead_row(self, key: str, error: RowError) -> dict[str, str | int]:
        return {
            "stage": self.stage,
            "key": key,
            "reason": error.reason,
            "error": error.message.encode("utf-8", "backslashreplace").decode()[:2000],
            "attempt": self.attempt,
        }

    def _died(self, key: str, error: RowError, subject: str) -> None:
        if self._count is None:
            return
        self._open = max(0, self._open - 1)
        self._count.died(key, error, subject or key)
        self._check()

    def _check(self) -> None:
        if self.stopped is not None:
            raise TooManyDead(self.stopped)

    def warn(self, reason: str, key: str, message: str) -> None:
        """Warn of a living row that is not as declared: "length_differs", its key, a message with both numbers.

        Console, `n2m status` and the report show the number of each reason, and a few examples. A row that is reused from an earlier
        dataset needs its warning again, so the row's columns must hold what the message says.
        """
        self.warnings.lose(reason, f"{key}: {message}".encode("utf-8", "backslashreplace").decode())

    def count(self, name: str, amount: float = 1) -> None:
        """Add to one of the stage's statistics."""
        self.stats[name] += amount  # type: ignore[assignment]

    def refer(self, file: PartFile) -> None:
        """Name a file that rows of this part refer to and that other datasets may share."""
        self.shared[file.path] = file

    def show(self, examples: Mapping[str, tuple[str, ...]]) -> None:
        """Add a few lost texts as examples, by reason."""
        self.examples.update(examples)

    def advance(self, rows: int = 1) -> None:
        """Show progress. Rows that are not rejected before the next call live."""
        advance(self.stage, rows)
        self.settle()
        self._open = rows
        self._check()

    def settle(self) -> None:
        """The rows of the last `advance` live, except for those that were rejected."""
        if self._count is not None and self._open:
            self._count.lived(self._open)
        self._open = 0


def parquet_bytes(
    table: pa.Table,
    schema: pa.Schema,
    row_group_rows: int | None = None,
    metadata: Mapping[str, str] | None = None,
    compressed: bool = True,
) -> bytes:
    """The table as Parquet: zstd, the given schema, and metadata without time, host or path.

    metadata: more of it. compressed: False for content that does not compress. Raises ValueError when a column that must not be null is.
    """
    stamped = schema.with_metadata({VERSION_KEY: str(version_of(schema)), **(metadata or {})})
    table = table.select(schema.names).cast(stamped)
    sink = io.BytesIO()
    compression = "zstd" if compressed else "none"
    with pq.ParquetWriter(sink, stamped, compression=compression, use_dictionary=compressed, write_statistics=True) as writer:
        writer.write_table(table, row_group_size=row_group_rows or max(1, len(table)))
    return sink.getvalue()


def read_parquet(store: Store, path: str, columns: Sequence[str] | None = None) -> pa.Table:
    """One Parquet file, or some of its columns. Without Arrow's threads, which can crash a process that ends soon after.

    Raises FileNotFoundError, and UserError where it is damaged.
    """
    try:
        with store.reader(path) as file:
            table: pa.Table = pq.ParquetFile(file, pre_buffer=False).read(columns=columns, use_threads=False)
    except FileNotFoundError:
        raise
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"{store.describe(path)} is damaged ({first_line(error)}). {MEND}") from error
    return table.replace_schema_metadata(None)


def write_part(
    store: Store,
    folder: str,
    context: PartContext,
    tables: Iterable[pa.Table],
    schema: pa.Schema,
    row_group_rows: int | None = None,
) -> PartRecord:
    """Run the generator `tables` to its end, one file a table (at least one), then write dead letters and the record.

    The first writer of a file wins, among workers and among runs on one root. A complete file of another writer is used as it is, so no two
    records disagree about one file. Raises UserError when the store refuses.
    """
    started = time.monotonic()
    name = part_name(context.part, context.parts)
    files = []
    for number, table in enumerate(_at_least_one(tables, schema)):
        path = f"{name}.parquet" if number == 0 else f"{name}.{number:03d}.parquet"
        files.append(_create_file(store, folder, path, parquet_bytes(table, schema, row_group_rows), schema))
    context.settle()
    dead = None
    if context.dead:
        dead = _create_file(store, folder, f"dead/{name}.parquet", dead_bytes(context.dead), DEAD)
    record = PartRecord(
        part=context.part,
        files=tuple(files),
        dead=dead,
        dead_reasons=dict(Counter(str(row["reason"]) for row in context.dead)),
        stats={key: float(value) for key, value in sorted(context.stats.items())},
        examples={reason: context.examples[reason] for reason in sorted(context.examples)},
        warnings=dict(sorted(context.warnings.lost.items())),
        warned={reason: context.warnings.examples[reason] for reason in sorted(context.warnings.examples)},
        shared=tuple(context.shared[path] for path in sorted(context.shared)),
        seconds=round(time.monotonic() - started, 3),
        device=context.device,
    )
    body = json.dumps(record.model_dump(mode="json"), sort_keys=True, indent=1).encode()
    store.create(f"{folder}/{record_path(context.part, context.parts)}", body)
    return record


def dead_bytes(rows: Sequence[Mapping[str, str | int]]) -> bytes:
    """Dead rows as a Parquet file of schemas.DEAD, in the order of their keys."""
    ordered = sorted(rows, key=lambda row: (str(row["key"]), str(row["reason"])))
    return parquet_bytes(pa.Table.from_pylist(ordered, DEAD), DEAD)


def _at_least_one(tables: Iterable[pa.Table], schema: pa.Schema) -> Iterator[pa.Table]:
    empty = True
    for table in tables:
        empty = False
        yield table
    if empty:
        yield schema.empty_table()


def _create_file(store: Store, folder: str, path: str, data: bytes, schema: pa.Schema) -> PartFile:
    where = f"{folder}/{path}"
    data = put_first(store, where, data, lambda theirs: _is_whole(theirs, schema)).data
    rows = pq.ParquetFile(pa.BufferReader(data)).metadata.num_rows
    return PartFile.of(path, data, rows)


def _is_whole(data: bytes, schema: pa.Schema) -> bool:
    try:
        file = pq.ParquetFile(pa.BufferReader(data))
        file.read()
    except (pa.ArrowException, OSError):
        return False
    return bool(file.schema_arrow.equals(schema))
