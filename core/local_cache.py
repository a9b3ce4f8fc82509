"""Downloads an object of a store to a file of this machine, whole or not at all."""

import os
import sys
from collections.abc import Callable
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


def download(store: Store, source: str, path: Path, check: Callable[[Path], None]) -> None:
    """Download to a temporary file, check it, then rename it to `path`. `check` raises where the file is wrong.

    Raises FileNotFoundError where there is no such object, and OSError where the file cannot be written; a file at `path` then stays.
    """
    aside = path.with_suffix(f".{os.getpid()}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with store.reader(source) as stream, aside.open("wb") as target:
            while block := stream.read(_BLOCK):
                target.write(block)
        check(aside)
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)
