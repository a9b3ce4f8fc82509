"""The interface of all audio readers: mono float32 at the file's own rate, streamed forward only.

soundfile (libsndfile) reads wav, flac, ogg, opus, mp3 and aiff; PyAV (FFmpeg) reads m4a, aac, webm and all the rest, and what
libsndfile refuses or misjudges (core.audio.open_reader). Channels become one in core.audio.downmix, for all readers the same.
"""

import io
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from noise2music.core.arrays import Float32s
from noise2music.core.errors import RowError

LOWEST_RATE = 1_000
HIGHEST_RATE = 384_000
MOST_CHANNELS = 1024
MOST_FRAMES = 2**48


@dataclass(frozen=True)
class Gap:
    """Damage: `frames` of silence from frame `start` on (0 where only the time jumps), and why."""

    start: int
    frames: int
    why: str


@dataclass(frozen=True)
class Stretch:
    """audio: (n,) float32 mono. gaps: where it is silence because decoding failed. antiphase: dB that the mean of the channels would
    have lost, where it was not used (core.audio.downmix).
    """

    audio: Float32s
    gaps: tuple[Gap, ...] = ()
    antiphase: float | None = None


class Reader(Protocol):
    """An open file. format: "mp3", "flac", ... rate: in Hz. channels: as stored. frames: samples a channel, counted by walking or
    decoding. claimed: samples a channel by the container's own word.
    """

    format: str
    rate: int
    channels: int
    frames: int
    claimed: int

    def read(self, start: int, end: int) -> Stretch:
        """Frames [start, end) as mono, fewer where the file ends before. `start` never goes back.

        Raises RowError "decode_failed" when libsndfile cannot go on, "unreadable" when storage fails.
        """
        ...


class WatchedFile(io.RawIOBase):
    """A file for C libraries: it has no name and never raises, since they could not pass an exception on.

    It keeps its own position, so several readers can share one file. error: what the file raised; the library saw the end of the file
    instead. end_reached: whether the library saw the end.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._position = 0
        self.error: Exception | None = None
        self.end_reached = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            base = self._position if whence == io.SEEK_CUR else self._file.seek(0, io.SEEK_END) if whence == io.SEEK_END else 0
        except Exception as error:
            self.error = self.error or error
            return -1
        if base + offset < 0:
            return -1
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        return self._position

    def read(self, size: int | None = -1, /) -> bytes:
        length = -1 if size is None else size
        try:
            self._file.seek(self._position)
            data = self._file.read(length)
        except Exception as error:
            self.error = self.error or error
            data = b""
        self._position += len(data)
        self.end_reached |= len(data) < length
        return data

    def readinto(self, buffer: Any, /) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def check(self) -> None:
        """Raises RowError "unreadable" when the file itself failed."""
        if self.error is not None:
            raise RowError("unreadable", f"storage failed while the file was read: {self.error}") from self.error


def check_stream(rate: int, channels: int) -> None:
    """Raises RowError for a rate or a number of channels that no recording has."""
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise RowError("unsupported_rate", f"the sampling rate is {rate} Hz; {LOWEST_RATE} to {HIGHEST_RATE} Hz can be read")
    if not 1 <= channels <= MOST_CHANNELS:
        raise RowError("unsupported_channels", f"the file has {channels} channels; 1 to {MOST_CHANNELS} can be read")


def average_channels(channels: npt.NDArray[np.floating]) -> Float32s:
    """(channels, n) -> (n,) float32: the mean. Summed in float64: loud channels do not overflow, and block size does not matter."""
    if len(channels) == 1:
        return np.asarray(channels[0], np.float32).copy()
    with np.errstate(invalid="ignore", over="ignore"):
        total = channels[0].astype(np.float64)
        for channel in channels[1:]:
            total += channel
        return np.asarray(total / len(channels), np.float32)
