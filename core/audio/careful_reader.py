"""Reads with libsndfile, and with FFmpeg from the first place that libsndfile cannot decode."""

from typing import BinaryIO

from noise2music.core.audio.ffmpeg_reader import AvReader
from noise2music.core.audio.reader import Reader, Stretch
from noise2music.core.audio.soundfile_reader import SoundFileReader
from noise2music.core.errors import RowError


class CarefulReader:
    """See core.audio.reader.Reader. Where libsndfile fails, FFmpeg reads that span and all later ones, and leaves gaps."""

    def __init__(self, file: BinaryIO, reader: SoundFileReader) -> None:
        self._file = file
        self._reader: Reader = reader
        self.format, self.rate, self.channels = reader.format, reader.rate, reader.channels
        self.frames, self.claimed = reader.frames, reader.claimed

    def read(self, start: int, end: int) -> Stretch:
        """See core.audio.reader.Reader."""
        try:
            return self._reader.read(start, end)
        except RowError as error:
            if error.reason != "decode_failed" or not isinstance(self._reader, SoundFileReader):
                raise
            try:
                other = AvReader(self._file)
            except RowError:
                raise error from None
            if other.rate != self.rate:
                raise
            self._reader = other
            return other.read(start, end)
