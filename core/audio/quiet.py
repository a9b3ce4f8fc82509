"""Keeps what libmpg123 prints to standard error out of the progress display."""

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0
_saved = _caught = -1


@contextmanager
def without_mpg123_notes() -> Iterator[None]:
    """Wraps a call into libsndfile that decodes an mp3. Its notes are dropped; other output of that time is printed afterwards.

    libmpg123 writes to file descriptor 2, and libsndfile cannot silence it. While any thread is inside (milliseconds), the descriptor
    points to a file.
    """
    _enter()
    try:
        yield
    finally:
        _leave()


def _enter() -> None:
    global _inside, _saved, _caught
    with _lock:
        if not _inside:
            try:
                if _caught < 0:
                    _caught = _new_file()
                _saved = os.dup(2)
                os.dup2(_caught, 2)
            except OSError:
                _saved = -1
        _inside += 1


def _leave() -> None:
    global _inside, _saved
    with _lock:
        _inside -= 1
        if _inside or _saved < 0:
            return
        os.dup2(_saved, 2)
        size = os.lseek(_caught, 0, os.SEEK_CUR)
        if size:
            output = os.pread(_caught, size, 0)
            os.ftruncate(_caught, 0)
            os.lseek(_caught, 0, os.SEEK_SET)
            if rest := b"".join(line for line in output.splitlines(keepends=True) if not _is_note(line)):
                os.write(_saved, rest)
        os.close(_saved)
        _saved = -1


def _new_file() -> int:
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _is_note(line: bytes) -> bool:
    return b"libmpg123" in line or line.startswith((b"Note: ", b"Warning: Xing")) or not line.strip()
