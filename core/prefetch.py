"""Items made ahead by a thread, while others are worked on."""

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


def run_ahead(items: Iterable[Item], ahead: int) -> Iterator[Item]:
    """The same items, made up to `ahead` in advance by a thread. An error there is raised here; leaving early stops the thread."""
    ready: queue.Queue[_Ready[Item]] = queue.Queue(ahead)
    stop = threading.Event()

    def offer(made: "_Ready[Item]") -> bool:
        while not stop.is_set():
            try:
                ready.put(made, timeout=0.1)
                return True
            except queue.Full:
                continue
        return False

    def work() -> None:
        try:
            for item in items:
                if not offer(_Ready(item, None, False)):
                    return
            offer(_Ready(None, None, True))
        except BaseException as error:
            offer(_Ready(None, error, True))

    thread = threading.Thread(target=work, name="decode-ahead", daemon=True)
    thread.start()
    try:
        while True:
            made = ready.get()
            if made.error is not None:
                raise made.error
            if made.last:
                return
            yield made.item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


@dataclass(frozen=True)
class _Ready(Generic[Item]):
    item: Item | None
    error: BaseException | None
    last: bool
