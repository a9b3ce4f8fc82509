"""One run at a time in a folder, since two would take each other's states and logs away, and how a run is asked to stop."""

import fcntl
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from noise2music.core.errors import UserError

# Stopping politely: the first SIGTERM or Ctrl-C lets the step end and saves, the second stops at once.


CAUGHT = (signal.SIGTERM, signal.SIGINT)
Handler = Callable[[int, FrameType | None], object] | int | signal.Handlers | None


class Asked(threading.Event):
    """Set once the process is asked to stop. `signal`: by which signal."""

    def __init__(self) -> None:
        super().__init__()
        self.signal: signal.Signals | None = None
        self._before: dict[int, Handler] = {}

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        self.set()
        signal.signal(number, self._before[number])

    @contextmanager
    def catching(self) -> Iterator["Asked"]:
        """Ask instead of whatever a signal did before, in the block. Who is asked already, or catches already, changes nothing."""
        here: dict[int, Handler] = {number: signal.getsignal(number) for number in CAUGHT}
        before = {} if self.is_set() else {number: handler for number, handler in here.items() if handler != self._ask}
        outer, self._before = self._before, {**self._before, **before}
        for number in before:
            signal.signal(number, self._ask)
        try:
            yield self
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self._before = outer


_active: list[Asked] = []


@contextmanager
def stopping() -> Iterator[Asked]:
    """An event that is set once the process is asked to stop. Outside of the main thread nothing can be caught, and it never is.

    Within another `stopping` it is the outer one's event, so a request between two runs, or before the first, is not lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Asked()
        return
    asked = _active[-1] if _active else Asked()
    _active.append(asked)
    try:
        with asked.catching():
            yield asked
    finally:
        _active.pop()


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
