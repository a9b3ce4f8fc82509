"""Reads spans from a decoder that yields blocks in order: samples, or a gap where it could not decode."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.downmix import downmix
from noise2music.core.audio.reader import Gap, Stretch


@dataclass(frozen=True)
class Missing:
    """Frames that cannot be decoded: how many, and why."""

    frames: int
    why: str


Block = Float32s | Missing
"""(channels, frames), or what is missing."""


class BlockReader:
    """Reads spans of a stream of blocks. What lies between two spans is dropped at once."""

    def __init__(self, blocks: Iterator[Block]) -> None:
        self._blocks = blocks
        self._block: Block = Missing(0, "")
        self._begin = 0
        self._length = 0

    def read(self, start: int, end: int) -> Stretch:
        """See core.audio.reader.Reader. Missing frames become silence, and are listed as gaps."""
        pieces: list[Float32s] = []
        gaps: list[Gap] = []
        while self._begin < end:
            stop = self._begin + self._length
            first, last = max(start, self._begin), min(end, stop)
            if isinstance(self._block, Missing):
                if first < last or (self._block.why and not self._length and start <= self._begin):
                    gaps.append(Gap(first, max(0, last - first), self._block.why))
                    pieces.append(np.zeros((1, max(0, last - first)), np.float32))
            elif first < last:
                pieces.append(self._block[:, first - self._begin : last - self._begin])
            if stop >= end or not self._advance():
                break
        audio, antiphase = downmix(pieces)
        return Stretch(audio, tuple(gaps), antiphase)

    def count(self) -> int:
        """Frames of the whole stream, by decoding all of it."""
        while self._advance():
            pass
        return self._begin + self._length

    def _advance(self) -> bool:
        following = next(self._blocks, None)
        if following is None:
            return False
        self._begin += self._length
        self._block = following
        self._length = following.frames if isinstance(following, Missing) else following.shape[1]
        return True
