"""Reads audio through libsndfile."""

from contextlib import AbstractContextManager, nullcontext
from typing import BinaryIO

import numpy as np
import soundfile

from noise2music.core.arrays import Float32s
from noise2music.core.audio.downmix import downmix, keep
from noise2music.core.audio.quiet import without_mpg123_notes
from noise2music.core.audio.reader import MOST_FRAMES, Stretch, WatchedFile, check_stream
from noise2music.core.errors import RowError

_BLOCK_SAMPLES = 1 << 17
_TAIL = 256
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
    """A SoundFile that says it cannot seek. After every read soundfile seeks to where it already is. In an mp3 that loses the bits which
    the next frame borrows from the last one, and the next block begins with silence.
    """

    def seekable(self) -> bool:
        return False


class SoundFileReader:
    """See core.audio.reader.Reader. `frames` is what libsndfile says until `measure` is called.

    Raises soundfile.LibsndfileError when libsndfile does not know the file.
    """

    def __init__(self, file: BinaryIO) -> None:
        file.seek(0)
        self._file = file
        self._watched = WatchedFile(file)
        with _quiet(file):
            self._sound = _Forward(self._watched)
        self.format = "opus" if self._sound.subtype == "OPUS" else _FORMATS.get(self._sound.format, self._sound.format.lower())
        self.subtype: str = self._sound.subtype
        self.rate: int = self._sound.samplerate
        self.channels: int = self._sound.channels
        self.frames: int = self._sound.frames
        self.claimed = self.frames
        self.seeks = self.format in _SEEK_IS_EXACT
        check_stream(self.rate, self.channels)
        self._block = np.empty((max(1024, _BLOCK_SAMPLES // self.channels), self.channels), np.float32)
        self._position = 0
        self._end = self.frames

    def read(self, start: int, end: int) -> Stretch:
        """See core.audio.reader.Reader."""
        self._watched.end_reached = False
        blocks = []
        is_inside = self._go_to(start)
        while is_inside and self._position < end:
            block = self._next(end - self._position)
            if not len(block):
                break
            blocks.append(keep(block.T))
        audio, antiphase = downmix(blocks)
        return Stretch(audio, (), antiphase)

    def holds_its_end(self) -> bool:
        """Whether the last of the promised frames can be read. Uses a second reader, so this one keeps its position."""
        try:
            look = SoundFileReader(self._file)
            last = look.read(max(0, self.frames - _TAIL), self.frames)
        except (RowError, soundfile.LibsndfileError):
            return False
        return len(last.audio) == min(_TAIL, self.frames)

    def measure(self) -> None:
        """Decode the whole file and set `frames` to its length. This reader stays at its start."""
        try:
            look = SoundFileReader(self._file)
            while len(look._next(MOST_FRAMES)):
                pass
        except (RowError, soundfile.LibsndfileError):
            pass
        self.frames = self._end = look._position

    def _go_to(self, start: int) -> bool:
        """Seek where that is exact to the sample, else read and drop; False when the file ends before `start`."""
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

    def _next(self, most: int) -> Float32s:
        """The next block, at most `most` frames; empty at the end of the file."""
        out = self._block[: min(most, len(self._block))]
        try:
            with without_mpg123_notes() if self.format == "mp3" else nullcontext():
                block: Float32s = self._sound.read(out=out)
        except soundfile.LibsndfileError as error:
            self._failed(error)
            block = out[: self._frames_before_failure(len(out))]
            self._end = self._position + len(block)
        self._watched.check()
        self._position += len(block)
        return block

    def _failed(self, error: Exception) -> None:
        """A failure at the end of the file means that it was cut short: the missing frames show it. Any other failure is an error."""
        self._watched.check()
        if not self._watched.end_reached:
            raise RowError("decode_failed", f"cannot be decoded at {self._position / self.rate:.3f} s: {_words(error)}") from error

    def _frames_before_failure(self, most: int) -> int:
        try:
            return min(most, max(0, int(self._sound.tell()) - self._position))
        except soundfile.LibsndfileError:
            return 0


def _quiet(file: BinaryIO) -> AbstractContextManager[None]:
    """Wraps opening a file that may be an mp3."""
    file.seek(0)
    return without_mpg123_notes() if file.read(1) in (b"\xff", b"I") else nullcontext()


def _words(error: Exception) -> str:
    return str(getattr(error, "error_string", error)).strip() or "libsndfile gives no reason"
