"""An object of a store becomes a file of this machine, whole or not at all."""

import os
from collections.abc import Callable
from pathlib import Path

from labeling.storage import Store

_BLOCK = 1 << 22


def download(store: Store, source: str, path: Path, check: Callable[[Path], None]) -> None:
    """Read the object aside, have it checked there, and give it its name. `check` raises where the file is not what it should be.

    Raises FileNotFoundError where the object is not there, and OSError where the file cannot be kept; what was at `path` then stays.
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
