"""One way to read audio, whatever the container: mono float32 at the file's own rate, in a stream, forward only.

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
    """A place that could not be decoded: `frames` of silence from frame `start` on (none where only the time jumps), and why."""

    start: int
    frames: int
    why: str


@dataclass(frozen=True)
class Stretch:
    """audio: (n,) float32 mono. gaps: where it is silence in place of what could not be decoded. antiphase: dB that the mean of the
    channels would have lost, where something else was taken in its place (core.audio.downmix).
    """

    audio: Float32s
    gaps: tuple[Gap, ...] = ()
    antiphase: float | None = None


class Reader(Protocol):
    """An open file. format: "mp3", "flac", ...; rate in Hz; channels as stored; frames: samples a channel that are really there, found by
    walking or decoding; claimed: what the container says of it, where it says anything else.
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
    """A file as the C libraries should see it: without a name, and never raising, which they could not pass on.

    It keeps its own place, so that several readers can share one file. `error` is what the file raised (they were told that the file
    ends), `met_end` whether they were told so at all.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._place = 0
        self.error: Exception | None = None
        self.met_end = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            base = self._place if whence == io.SEEK_CUR else self._file.seek(0, io.SEEK_END) if whence == io.SEEK_END else 0
        except Exception as error:
            self.error = self.error or error
            return -1
        if base + offset < 0:
            return -1
        self._place = base + offset
        return self._place

    def tell(self) -> int:
        return self._place

    def read(self, size: int | None = -1, /) -> bytes:
        wanted = -1 if size is None else size
        try:
            self._file.seek(self._place)
            data = self._file.read(wanted)
        except Exception as error:
            self.error = self.error or error
            data = b""
        self._place += len(data)
        self.met_end |= len(data) < wanted
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
    """(channels, n) -> (n,) float32: the mean, summed in float64 so that loud channels cannot overflow and the block cannot matter."""
    if len(channels) == 1:
        return np.asarray(channels[0], np.float32).copy()
    with np.errstate(invalid="ignore", over="ignore"):
        total = channels[0].astype(np.float64)
        for channel in channels[1:]:
            total += channel
        return np.asarray(total / len(channels), np.float32)
