"""A circuit breaker: when the server fails for all requests, only one probe at a time is sent, and after a while the writer stops."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from noise2music.labeling.writer.base import WriterStopped

log = logging.getLogger("n2m")

OPENS_AFTER = 5
"""Consecutive failures that open the circuit."""
SHORTEST, LONGEST = 0.5, 10.0
"""Seconds between probes: twice as long each time, from the first to the second."""


class Circuit:
    """Shared by all requests to one server; used on one event loop.

    While it is closed, every request may be sent. OPENS_AFTER failures in a row open it: requests queue, the first one is sent as a probe,
    and a failed probe goes to the end of the queue. Any answer closes it. After `patience` seconds without an answer it stops for good.
    """

    def __init__(self, patience: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = patience
        self._clock = clock
        self._failures = 0
        self._failing_since: float | None = None
        self._has_response = False
        self._not_before = 0.0
        self._probe = asyncio.Lock()
        self.stop_reason: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether only a probe may go."""
        return self._failures >= OPENS_AFTER

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """The context of one try. Waits until the try may be made. Raises WriterStopped."""
        while True:
            self.check()
            await self._pause()
            if not self.is_open:
                yield
                return
            async with self._probe:
                self.check()
                if not self.is_open:
                    continue
                await asyncio.sleep(min(LONGEST, SHORTEST * 2 ** min(self._failures - OPENS_AFTER, 20)))
                await self._pause()
                self.check()
                yield
                return

    def record_answer(self) -> None:
        """Record any answer: the server works."""
        if self.is_open:
            log.warning("the server answers again")
        self._failures = 0
        self._failing_since = None

    def record_failure(self, why: str, has_response: bool = False) -> None:
        """Record a failure that a retry may fix; stops when `patience` is over. has_response: whether the server sent anything at all."""
        now = self._clock()
        self._has_response = has_response or (self._has_response and self._failures > 0)
        self._failures += 1
        self._failing_since = now if self._failing_since is None else self._failing_since
        if self._failures == OPENS_AFTER and self._patience:
            what = "answers without a reply" if self._has_response else "does not answer"
            log.warning("the server %s (%s); waiting for it, %.0f s at most", what, why, self._patience)
        if self.is_open and now - self._failing_since >= self._patience:
            seconds = f"for {now - self._failing_since:.0f} s"
            if self._has_response:
                advice = "Look at its log, and at [run.server] url, which ends in /v1; then run this again"
                self.stop(f"the server answers, but has sent no reply {seconds} ({why}). {advice}")
            else:
                self.stop(f"the server has answered nothing {seconds} ({why}). Start it, then run this again")

    def record_wait(self, seconds: float | None, why: str) -> None:
        """Record that the server asks to wait: nothing is sent for `seconds`, and that time does not count against `patience`."""
        now = self._clock()
        if seconds is not None:
            if seconds > self._patience:
                self.stop(f"the server asks to come back in {seconds:.0f} s ({why}). Run this again then")
                return
            added = now + seconds - max(now, self._not_before)
            self._not_before = max(self._not_before, now + seconds)
            if self._failing_since is not None:
                self._failing_since += max(0.0, added)
            return
        self._failing_since = now if self._failing_since is None else self._failing_since
        if now - self._failing_since >= self._patience > 0:
            self.stop(f"the server has turned down every request for {now - self._failing_since:.0f} s ({why}). Run this again later")

    def stop(self, why: str) -> None:
        """Let nothing more through; the first reason stays."""
        self.stop_reason = self.stop_reason or why

    def check(self) -> None:
        """Raises WriterStopped once it has stopped."""
        if self.stop_reason is not None:
            raise WriterStopped(f"{self.stop_reason}. What was answered is kept and will not be asked again.")

    async def _pause(self) -> None:
        while (seconds := self._not_before - self._clock()) > 0:
            await asyncio.sleep(seconds)
            self.check()
