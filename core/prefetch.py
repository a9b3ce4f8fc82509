"""Computes items ahead in a thread."""

import queue
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")


def run_ahead(items: Iterable[Item], ahead: int) -> Iterator[Item]:
    """The same items, computed by a thread up to `ahead` in advance. Its errors are raised here; leaving early stops the thread."""
    ready: queue.Queue[_Ready[Item]] = queue.Queue(ahead)
    stop = threading.Event()

    def offer(entry: "_Ready[Item]") -> bool:
        while not stop.is_set():
            try:
                ready.put(entry, timeout=0.1)
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
            entry = ready.get()
            if entry.error is not None:
                raise entry.error
            if entry.last:
                return
            yield entry.item  # type: ignore[misc]
    finally:
        stop.set()
        thread.join()


@dataclass(frozen=True)
class _Ready(Generic[Item]):
    item: Item | None
    error: BaseException | None
    last: bool
