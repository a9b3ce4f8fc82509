"""One training run at a time in a folder, since two would overwrite each other's states and logs, and the graceful end of a run."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType

from noise2music.core.errors import UserError
from noise2music.core.local_cache import file_lock

# The first SIGTERM or Ctrl-C lets the step end and saves, the second stops at once.


CAUGHT = (signal.SIGTERM, signal.SIGINT)
Handler = Callable[[int, FrameType | None], object] | int | signal.Handlers | None


class StopRequest(threading.Event):
    """An event that is set by the first SIGTERM or Ctrl-C. signal: which of the two it was."""

    def __init__(self) -> None:
        super().__init__()
        self.signal: signal.Signals | None = None
        self._before: dict[int, Handler] = {}

    def _ask(self, number: int, _frame: FrameType | None) -> None:
        self.signal = signal.Signals(number)
        self.set()
        signal.signal(number, self._before[number])

    @contextmanager
    def catching(self) -> Iterator["StopRequest"]:
        """In the block the signals set this event and nothing else. Where it is set, or catches already, nothing changes."""
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


_active: list[StopRequest] = []


@contextmanager
def graceful_shutdown() -> Iterator[StopRequest]:
    """A StopRequest for the block. Outside of the main thread signals cannot be caught, and it is never set.

    Within another `graceful_shutdown` it is the outer one's, so a request between two runs, or before the first, is not lost.
    """
    if threading.current_thread() is not threading.main_thread():
        yield StopRequest()
        return
    stop = _active[-1] if _active else StopRequest()
    _active.append(stop)
    try:
        with stop.catching():
            yield stop
    finally:
        _active.pop()


@contextmanager
def run_lock(folder: Path) -> Iterator[None]:
    """No other process trains in the folder meanwhile.

    Raises UserError where another process does, or where nothing can be written or locked there.
    """
    lock = folder / ".lock"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.open("a").close()
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror}. Set another `out`.") from error
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(lock, wait=False))
        except BlockingIOError:
            raise UserError(
                f"another process is training in {folder}. Wait until it has ended or stop it, or set another `out` for this run."
            ) from None
        except OSError as error:
            raise UserError(f"cannot lock {folder}: {error.strerror}. Set an `out` on a file system that has locks.") from error
        yield
