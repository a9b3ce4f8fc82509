"""One run at a time in a folder: two would take each other's states and logs away."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from labeling.errors import UserError


@contextmanager
def alone_in(folder: Path) -> Iterator[None]:
    """No other process trains in the folder meanwhile. The lock is the system's, so a killed process leaves none behind.

    Raises UserError where another process has it, or where nothing can be written or locked there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / ".lock").open("a")
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}. Set another `out`.") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"another process is training in {folder}. Wait until it has ended or stop it, or set another `out` for this run."
            ) from None
        except OSError as error:
            raise UserError(f"cannot lock {folder}: {error.strerror}. Set an `out` on a file system that has locks.") from error
        yield
