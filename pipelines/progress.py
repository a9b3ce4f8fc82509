"""Progress of a long stage: one line that is renewed on a terminal, a line of the log now and then elsewhere."""

import logging
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from noise2music.core.storage import open_store
from noise2music.labeling.datasets.fingerprint import Identity
from noise2music.labeling.datasets.parts import record_path, rows_done

_EVERY = 0.5
_LOGGED_EVERY = 30.0
log = logging.getLogger("n2m")


@contextmanager
def show_progress(stage: str, total: int | None, finished: Callable[[], str] | None = None) -> Iterator[None]:
    """Show rows, rate and time left of a stage while the body runs. `finished`: what to say while no row of this process is done."""
    terminal = sys.stderr.isatty()
    stop = threading.Event()
    how = (_EVERY, _renew) if terminal else (_LOGGED_EVERY, log.info)
    thread = threading.Thread(target=_say, args=(stage, total, finished, stop, *how), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        if terminal:
            _renew("")


def finished_parts(root: str, identity: Identity, parts: Sequence[int]) -> Callable[[], str]:
    """Says how many of the parts are there: rows of other processes and machines are not seen, their parts are."""
    store = open_store(root)

    def say() -> str:
        finished = sum(store.head(f"{identity.path}/{record_path(part, identity.parts)}") is not None for part in parts)
        return f"{finished} of {len(parts)} parts"

    return say


def _renew(line: str) -> None:
    sys.stderr.write(f"\r\033[K{line}")
    sys.stderr.flush()


def _say(
    stage: str, total: int | None, finished: Callable[[], str] | None, stop: threading.Event, every: float, say: Callable[[str], None]
) -> None:
    started, before = time.monotonic(), rows_done(stage)
    while not stop.wait(every):
        done, seconds = rows_done(stage) - before, time.monotonic() - started
        say(progress_line(stage, done, total, seconds) if done or finished is None else f"{stage}  {finished()}  {seconds:.0f} s")


def progress_line(stage: str, done: int, total: int | None, seconds: float) -> str:
    """For example "embed  40% 32/80  3.1/s  16 s left"."""
    rate = done / max(seconds, 1e-9)
    if not total:
        return f"{stage}  {done:,}  {rate:.1f}/s"
    left = max(0, total - done) / max(rate, 1e-9)
    return f"{stage}  {min(100, 100 * done // total)}% {done:,}/{total:,}  {rate:.1f}/s  {duration(left)} left"


def duration(seconds: float) -> str:
    """Seconds, minutes or hours, whichever is read most easily."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
