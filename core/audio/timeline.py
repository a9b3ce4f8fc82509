"""Follows the times of a container's packets and finds where some are missing."""

from typing import Any

from noise2music.core.audio.reader import MOST_FRAMES

LONGEST_GAP_SECONDS = 10
"""A jump of time beyond this is a new count of time, not a gap."""
_EXACT = frozenset({"m4a", "webm", "flac", "ogg"})
_EXACT_SECONDS = 0.015
_LOOSE_SECONDS = 0.1


class Timeline:
    """Follows packets in their order. Times are frames at `rate`."""

    def __init__(self, form: str, rate: int) -> None:
        self._rate = rate
        self._slack = round(rate * (_EXACT_SECONDS if form in _EXACT else _LOOSE_SECONDS))
        self._end: int | None = None
        self.counted = 0
        self.untimed = 0

    def step(self, packet: Any) -> tuple[int, int, str]:
        """The next packet -> (frames missing before it, its stated length in frames, why). A jump that is no gap: 0 frames, and why."""
        own = frames_of(packet.duration, packet.time_base, self._rate)
        self.untimed += not own
        missing, why = 0, ""
        if packet.pts is not None and packet.time_base:
            start = round(packet.pts * packet.time_base * self._rate)
            if self._end is not None:
                jump = start - self._end
                if self._slack < jump <= LONGEST_GAP_SECONDS * self._rate:
                    missing, why = jump, "packets are missing"
                elif abs(jump) > LONGEST_GAP_SECONDS * self._rate:
                    why = f"the times in the file jump by {jump / self._rate:.3f} s"
            self._end = start + own
        elif self._end is not None:
            self._end += own
        self.counted += missing + own
        return missing, own, why

    def took(self, frames: int) -> None:
        """Add the length of the last packet, which did not state it: it decoded to `frames`."""
        if self._end is not None:
            self._end += frames


def frames_of(duration: int | None, time_base: Any, rate: int) -> int:
    """A time in a stream's unit -> frames, bounded."""
    return min(MOST_FRAMES, max(0, round((duration or 0) * time_base * rate))) if time_base else 0
