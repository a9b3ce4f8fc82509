"""Reads spans from a decoder that yields blocks in order: samples, or a gap where it could not decode."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import av
import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.downmix import downmix, keep
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


_MOST_PLANES = 8


def frame_samples(frame: Any) -> Float32s:
    """One decoded frame, planar or packed, integers or floats -> (channels, n), full scale 1 (see core.audio.downmix.keep).

    Raises ValueError or av.error.FFmpegError for a frame that cannot be taken.
    """
    if frame.format.is_planar and frame.layout.nb_channels > _MOST_PLANES:
        frame = _packed(frame)
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "u":
        samples = (samples.astype(np.float64) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples.astype(np.float64) / 2.0 ** (8 * samples.dtype.itemsize - 1)
    return keep(samples)


def _packed(frame: Any) -> Any:
    """The same frame with its channels side by side: PyAV counts the planes of one with more than eight beyond their end."""
    packed = av.AudioResampler(format=frame.format.packed, layout=frame.layout, rate=frame.sample_rate).resample(frame)
    if len(packed) != 1:
        raise ValueError("a frame of many channels cannot be taken apart")
    return packed[0]
