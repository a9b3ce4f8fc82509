"""Files of this machine that are there whole or not at all, among them objects of a store."""

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
    """Read the object aside, have it checked there, and give it its name. `check` raises where the file is not what it should be.

    Raises FileNotFoundError where the object is not there, and OSError where the file cannot be kept; what was at `path` then stays.
    """
    with whole_file(path) as aside:
        with store.reader(source) as stream, aside.open("wb") as target:
            while block := stream.read(_BLOCK):
                target.write(block)
        check(aside)
