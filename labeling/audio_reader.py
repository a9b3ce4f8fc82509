"""One way to read audio, whatever the container: mono float32 at the file's own rate, in a stream, forward only.

soundfile (libsndfile) reads wav, flac, ogg, opus, mp3 and aiff; PyAV (FFmpeg) reads m4a, aac and webm, and what libsndfile
refuses or misjudges. Channels are averaged here for both: FFmpeg's own downmix is 3 dB louder.
"""

import io
from typing import Any, BinaryIO, Protocol

import numpy as np
import numpy.typing as npt

from labeling.cosine import Float32s
from labeling.errors import RowError

LOWEST_RATE = 1_000
HIGHEST_RATE = 384_000
MOST_CHANNELS = 1024
MOST_FRAMES = 2**48


class Reader(Protocol):
    """An open file. format: "mp3", "flac", ...; rate in Hz; channels as stored; frames: samples a channel that the container promises."""

    format: str
    rate: int
    channels: int
    frames: int

    def read(self, start: int, end: int) -> Float32s:
        """Frames [start, end) as mono, fewer where the file ends before. `start` never goes back.

        Raises RowError "decode_failed" when a part of the span cannot be decoded, "unreadable" when storage fails.
        """
        ...


class WatchedFile(io.RawIOBase):
    """A file as the C libraries should see it: without a name, and never raising, which they could not pass on.

    `error` is what the file raised (they were told that the file ends), `met_end` whether they were told so at all.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: Exception | None = None
        self.met_end = False

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        try:
            return self._file.seek(offset, whence)
        except Exception as error:
            self.error = self.error or error
            return -1

    def tell(self) -> int:
        return self.seek(0, io.SEEK_CUR)

    def read(self, size: int = -1, /) -> bytes:
        try:
            data = self._file.read(size)
        except Exception as error:
            self.error = self.error or error
            data = b""
        self.met_end |= len(data) < size
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
