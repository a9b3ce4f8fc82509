"""Files of this machine that are there whole or not at all, among them objects of a store; and one process at a time."""

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from noise2music.core.storage import Store

# The folder in which what can be made or fetched again is kept between runs.


def cache_folder() -> Path:
    """N2M_CACHE where it is set, else `noise2music` in the platform's folder for caches."""
    if chosen := os.environ.get("N2M_CACHE"):
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "noise2music"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "noise2music"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "noise2music"


_BLOCK = 1 << 22


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside `path` to write to. At the end the file gets its name, so that a reader sees all of it or what was there before.

    The folder is made. Raises OSError where the file cannot be kept; whatever is raised, what was at `path` stays.
    """
    aside = path.with_name(f"{path.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield aside
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def download(store: Store, source: str, path: Path, check: Callable[[Path], None]) -> None:
    """Download to a temporary file, check it, then rename it to `path`. `check` raises where the file is wrong.

    Raises FileNotFoundError where there is no such object, and OSError where the file cannot be written; a file at `path` then stays.
    """
    with whole_file(path) as aside:
        with store.reader(source) as stream, aside.open("wb") as target:
            while block := stream.read(_BLOCK):
                target.write(block)
        check(aside)


@contextmanager
def file_lock(path: Path, wait: bool = True) -> Iterator[None]:
    """One process of this machine at a time is in the block. The lock is the system's: a killed process leaves none behind.

    Raises BlockingIOError where another process is in it and `wait` is False, and OSError where the file cannot be opened or locked.
    """
    import fcntl  # Not there on Windows, where all but locks works.

    with path.open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX if wait else fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
