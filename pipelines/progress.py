"""Progress of a long stage: one line that is renewed on a terminal, nothing elsewhere."""

import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from labeling.parts import record_path
from labeling.progress import rows_done
from labeling.storage import open_store

if TYPE_CHECKING:
    from pipelines.spread import PartWriter

_EVERY = 0.5


@contextmanager
def show_progress(writer: "PartWriter", parts: Sequence[int], total: int | None) -> Iterator[None]:
    """Show rows, rate and time left while the body runs. Rows of other processes are not seen; then finished parts are shown."""
    if not sys.stderr.isatty():
        yield
        return
    stop = threading.Event()
    thread = threading.Thread(target=_renew, args=(writer, list(parts), total, stop), daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        sys.stderr.write("\r\033[K")
        sys.stderr.flush()


def _renew(writer: "PartWriter", parts: list[int], total: int | None, stop: threading.Event) -> None:
    stage, started, before = writer.identity.stage, time.monotonic(), rows_done(writer.identity.stage)
    store = open_store(writer.root)
    while not stop.wait(_EVERY):
        done, seconds = rows_done(stage) - before, time.monotonic() - started
        if done:
            line = progress_line(stage, done, total, seconds)
        else:
            finished = sum(store.head(f"{writer.identity.path}/{record_path(part, writer.identity.parts)}") is not None for part in parts)
            line = f"{stage}  {finished} of {len(parts)} parts  {seconds:.0f} s"
        sys.stderr.write(f"\r\033[K{line}")
        sys.stderr.flush()


def progress_line(stage: str, done: int, total: int | None, seconds: float) -> str:
    """For example "embed  40% 32/80  3.1/s  16 s left"."""
    rate = done / max(seconds, 1e-9)
    if not total:
        return f"{stage}  {done:,}  {rate:.1f}/s"
    left = max(0, total - done) / max(rate, 1e-9)
    return f"{stage}  {min(100, 100 * done // total)}% {done:,}/{total:,}  {rate:.1f}/s  {_duration(left)} left"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 5400:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.1f} h"
