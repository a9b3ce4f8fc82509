"""Decides whether a stage stops early: when more than `max_dead` of its rows are certain, or almost certain, to be dead.

Every worker process counts its own rows and those of finished parts, and decides with these counts alone. Three rules:

- Nothing stops before SAMPLE rows, nor when no row is left.
- The stage stops when more rows are dead than `max_dead` of all its rows: the share cannot fall below the limit any more.
- It stops when 90 % of the rows since something began to fail are dead, more than a share of `max_dead` explains (Wald's test), and the
rest
  would pass `max_dead` at that rate. Rows of one subject (clips of one track, replies about one song) are one witness.
"""

import math
import threading
import uuid
from collections import Counter
from dataclasses import dataclass, field

from noise2music.core.errors import RowError

SAMPLE = 50
"""Rows."""
DOOMED = 0.9
"""The share of dead rows that a sample shows when something is wrong with all of them."""
SURE = 16.0
"""How much likelier DOOMED must be than `max_dead`, as a natural logarithm: 1 in 9 million."""
EXAMPLES, EXAMPLE_CHARACTERS = 3, 300

_lock = threading.Lock()
_counted: dict[str, "DeadCount"] = {}


class TooManyDead(Exception):
    """The stage stops: its dead rows pass `max_dead`. The message says how many and why, with an example."""


@dataclass(frozen=True)
class DeadLimit:
    """The limit of one stage of one run. Travels to the workers; the threads of a process share what they count.

    max_dead: share of dead rows. rows: of the whole stage, at most; None where that is not known. rows_before, dead_before: rows in
    `counted_parts`, the parts that were finished when the run began. at_once: how many rows a process works on at the same time, where dead
    rows may finish sooner than others.
    """

    max_dead: float
    rows: int | None
    rows_before: int = 0
    dead_before: int = 0
    counted_parts: tuple[int, ...] = ()
    at_once: int = 1
    run: str = field(default_factory=lambda: uuid.uuid4().hex)

    def count(self) -> "DeadCount":
        """What this process counts."""
        with _lock:
            return _counted.setdefault(self.run, DeadCount(self))

    def forget(self) -> None:
        """The run is over."""
        with _lock:
            _counted.pop(self.run, None)


class DeadCount:
    """One process's count of a stage's rows: its own parts, and parts that other processes finished."""

    def __init__(self, limit: DeadLimit) -> None:
        max_dead = limit.max_dead
        self._limit = limit
        self._lock = threading.Lock()
        self._rows, self._dead = limit.rows_before, limit.dead_before
        self._reasons: Counter[str] = Counter()
        self._examples: dict[str, list[str]] = {}
        self._since = _Since()
        self._smallest = max(SAMPLE, math.ceil(4 * limit.at_once * max_dead / (1 - max_dead))) if max_dead < DOOMED else 0
        self._witnesses = math.ceil(SURE / _divergence(max_dead)) if max_dead < DOOMED else 0
        self.counted_parts = set(limit.counted_parts)
        """Parts whose rows are in the count, or are being counted here."""
        self.stopped: str | None = None

    def add(self, living: int = 0, dead: int = 0) -> None:
        """Rows of a part that another process finished."""
        with self._lock:
            self._rows += living + dead
            self._dead += dead

    def lived(self, rows: int = 1) -> None:
        """Rows that live."""
        with self._lock:
            self._rows += rows
            self._since.lived(rows, self._limit.max_dead)

    def died(self, key: str, error: RowError, subject: str) -> None:
        """A row that will be a dead letter. Decides whether the stage stops (`stopped`)."""
        with self._lock:
            self._rows += 1
            self._dead += 1
            self._reasons[error.reason] += 1
            examples = self._examples.setdefault(error.reason, [])
            if len(examples) < EXAMPLES:
                examples.append(f"{one_line(key, 100)}: {one_line(error.message)}")
            self._since.died(subject, self._limit.max_dead, self._witnesses)
            if self.stopped is None and (why := self._why()):
                self.stopped = self._message(why)

    def revived(self) -> None:
        """A row that was counted as dead lives after all."""
        with self._lock:
            self._dead -= 1

    def _why(self) -> str | None:
        limit, rows = self._limit, self._limit.rows
        rest = rows - self._rows if rows is not None else None
        if self._rows < SAMPLE or (rest is not None and rest <= 0) or limit.max_dead >= 1:
            return None
        if rows is not None and self._dead > limit.max_dead * rows:
            return f"{self._dead:,} of {rows:,} rows are dead, so that it cannot come under max_dead = {limit.max_dead:.1%} any more"
        since = self._since
        is_sample = self._smallest and since.rows >= self._smallest and since.dead >= DOOMED * since.rows
        if not is_sample or len(since.subjects) < self._witnesses:
            return None
        if rows is not None and rest is not None and self._dead + rest * since.dead / since.rows <= limit.max_dead * rows:
            return None
        return (
            f"{since.dead:,} of the last {since.rows:,} rows are dead, and at that rate more than max_dead = {limit.max_dead:.1%} will be"
        )

    def _message(self, why: str) -> str:
        reasons = "; ".join(f"{reason}: {rows:,}" for reason, rows in self._reasons.most_common(3))
        examples = " | ".join(examples[0] for reason, _ in self._reasons.most_common(3) if (examples := self._examples[reason]))
        return f"{why}. Reasons: {reasons}. For example {examples.rstrip(' .')}"


class _Since:
    """Rows since something began to fail: a cumulative sum test, which is reset while rows live as they should."""

    def __init__(self) -> None:
        self.rows = self.dead = 0
        self.subjects: set[str] = set()
        self._evidence = 0.0

    def lived(self, rows: int, max_dead: float) -> None:
        self.rows += rows
        self._evidence += rows * math.log((1 - DOOMED) / (1 - max_dead)) if max_dead < 1 else 0.0
        if self._evidence <= 0:
            self.rows, self.dead, self._evidence = 0, 0, 0.0
            self.subjects.clear()

    def died(self, subject: str, max_dead: float, witnesses: int) -> None:
        self.rows += 1
        self.dead += 1
        self._evidence += math.log(DOOMED / max(max_dead, 1e-3))
        if len(self.subjects) < witnesses:
            self.subjects.add(subject)


def _divergence(share: float) -> float:
    """The average evidence of one subject for DOOMED and against `share` (Kullback-Leibler divergence, natural logarithm)."""
    share = max(share, 1e-3)
    return DOOMED * math.log(DOOMED / share) + (1 - DOOMED) * math.log((1 - DOOMED) / (1 - share))


def one_line(text: str, characters: int = EXAMPLE_CHARACTERS) -> str:
    """Text from outside for a message: one line, no control characters for a terminal, at most `characters` characters."""
    line = " ".join(text[: 4 * characters].split())
    line = "".join(mark if mark.isprintable() else "?" for mark in line)
    return line if len(line) <= characters else f"{line[:characters]} ..."
