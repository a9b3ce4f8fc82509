"""Being asked to stop: by which signal, between runs as in them, and that a second time stops at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import pytest

from noise2music.models.training.run_lock import graceful_shutdown


@contextmanager
def counted() -> Iterator[list[int]]:
    """Whatever signals were before, these are counted."""
    seen: list[int] = []

    def count(number: int, _frame: FrameType | None) -> None:
        seen.append(number)

    before = {number: signal.signal(number, count) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield seen
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_asks_and_the_second_is_what_it_was_before(number: signal.Signals) -> None:
    with counted() as seen:
        with graceful_shutdown() as asked:
            signal.raise_signal(number)
            assert (asked.is_set(), asked.signal, seen) == (True, number, [])
            signal.raise_signal(number)
            assert seen == [number]
        signal.raise_signal(number)
        assert seen == [number, number]


def test_what_is_asked_between_two_runs_is_known_to_the_next() -> None:
    with counted() as seen, graceful_shutdown() as outer:
        with graceful_shutdown() as first:
            assert not first.is_set()
        signal.raise_signal(signal.SIGINT)
        with graceful_shutdown() as second:
            assert second.is_set()
            assert second.signal == signal.SIGINT
            signal.raise_signal(signal.SIGINT)
            assert seen == [signal.SIGINT]
        assert outer.is_set()
    with graceful_shutdown() as later:
        assert not later.is_set()


def test_who_takes_signals_in_between_gets_the_second_one() -> None:
    """Prefect's engine installs its own handler inside of a flow."""
    with graceful_shutdown(), counted() as engine:
        with graceful_shutdown() as inner:
            signal.raise_signal(signal.SIGTERM)
            assert inner.is_set()
            assert engine == []
            signal.raise_signal(signal.SIGTERM)
            assert engine == [signal.SIGTERM]
        signal.raise_signal(signal.SIGTERM)
        assert engine == [signal.SIGTERM] * 2


def test_a_thread_of_its_own_is_never_asked() -> None:
    found = []

    def look() -> None:
        with graceful_shutdown() as asked:
            found.append(asked.is_set())

    with graceful_shutdown() as outer:
        outer.set()
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
    assert found == [False]
