"""Reading through libsndfile."""

from typing import BinaryIO

import numpy as np
import soundfile

from labeling.audio_reader import WatchedFile, average_channels, check_stream
from labeling.cosine import Float32s
from labeling.errors import RowError

_BLOCK_SAMPLES = 1 << 17
_SEEK_IS_EXACT = frozenset({"wav", "flac", "aiff"})
_FORMATS = {
    "WAV": "wav",
    "WAVEX": "wav",
    "RF64": "wav",
    "W64": "wav",
    "FLAC": "flac",
    "OGG": "ogg",
    "MP3": "mp3",
    "AIFF": "aiff",
    "CAF": "caf",
    "AU": "au",
}


class _Forward(soundfile.SoundFile):  # type: ignore[misc]
    """soundfile seeks after every read of a seekable file, to where it is; in an mp3 that loses the bits which the next frame
    borrows from the last one, and a block begins with silence. So it must not know.
    """

    def seekable(self) -> bool:
        return False


class SoundFileReader:
    """See labeling.audio_reader.Reader. Raises soundfile.LibsndfileError when libsndfile does not know the file."""

    def __init__(self, file: BinaryIO) -> None:
        self._watched = WatchedFile(file)
        self._sound = _Forward(self._watched)
        self.format = "opus" if self._sound.subtype == "OPUS" else _FORMATS.get(self._sound.format, self._sound.format.lower())
        self.rate: int = self._sound.samplerate
        self.channels: int = self._sound.channels
        self.frames: int = self._sound.frames
        self.seeks = self.format in _SEEK_IS_EXACT
        check_stream(self.rate, self.channels)
        self._block = np.empty((max(1024, _BLOCK_SAMPLES // self.channels), self.channels), np.float32)
        self._position = 0
        self._end = self.frames

    def read(self, start: int, end: int) -> Float32s:
        """See labeling.audio_reader.Reader."""
        self._watched.met_end = False
        blocks = []
        there = self._go_to(start)
        while there and self._position < end:
            block = self._next(end - self._position)
            if not len(block):
                break
            blocks.append(average_channels(block.T))
        return np.concatenate(blocks) if blocks else np.zeros(0, np.float32)

    def _go_to(self, start: int) -> bool:
        """Seek where that is exact to the sample, else read and forget; False when the file ends before."""
        if self.seeks and start != self._position:
            if start >= self._end:
                return False
            try:
                self._position = self._sound.seek(start)
            except soundfile.LibsndfileError as error:
                self._failed(error)
                return False
        while self._position < start:
            if not len(self._next(start - self._position)):
                return False
        return True

    def _next(self, wanted: int) -> Float32s:
        """The next block, at most `wanted` frames; empty at the end of the file."""
        out = self._block[: min(wanted, len(self._block))]
        try:
            block: Float32s = self._sound.read(out=out)
        except soundfile.LibsndfileError as error:
            self._failed(error)
            block = out[: self._frames_before_failure(len(out))]
            self._end = self._position + len(block)
        self._watched.check()
        self._position += len(block)
        return block

    def _failed(self, error: Exception) -> None:
        """A decoder that fails where the file ends met a file cut short, which the missing frames tell; any other failure is an error."""
        self._watched.check()
        if not self._watched.met_end:
            raise RowError("decode_failed", f"cannot be decoded at {self._position / self.rate:.3f} s: {_words(error)}") from error

    def _frames_before_failure(self, most: int) -> int:
        try:
            return min(most, max(0, int(self._sound.tell()) - self._position))
        except soundfile.LibsndfileError:
            return 0


def _words(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).strip() or "libsndfile gives no reason"
