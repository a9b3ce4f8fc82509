"""Which of the two libraries reads a file."""

from typing import BinaryIO, cast

import soundfile

from labeling.audio_reader import MOST_FRAMES, Reader, WatchedFile
from labeling.av_reader import AvReader
from labeling.errors import RowError
from labeling.sniff import mp3_states_length, sniff
from labeling.soundfile_reader import SoundFileReader

_LIBSNDFILE_KINDS = frozenset({"wav", "aiff", "flac", "ogg", "caf"})


def open_reader(file: BinaryIO) -> Reader:
    """A seekable file -> a reader at its start: libsndfile where it knows the format and the number of frames, else FFmpeg.

    Raises RowError: "empty_file", "not_audio", "unreadable" (begins like audio, yet nothing can open it, or storage fails),
    "unsupported_rate", "unsupported_channels".
    """
    watched = WatchedFile(file)
    kind = sniff(cast(BinaryIO, watched))
    if kind is None and not watched.read(1):
        watched.check()
        raise RowError("empty_file", "the file holds no bytes")
    by_libsndfile = kind in _LIBSNDFILE_KINDS or (kind == "mp3" and mp3_states_length(cast(BinaryIO, watched)))
    watched.check()
    reader = _open_soundfile(file) if by_libsndfile else None
    if reader is not None and 0 < reader.frames <= MOST_FRAMES:
        return reader
    try:
        return AvReader(file)
    except RowError as error:
        if reader is not None and not reader.frames:
            return reader
        if error.reason == "not_audio" and kind is not None:
            raise RowError(
                "unreadable", f"the file begins like {kind}, yet no audio in it can be read: it is damaged or of another kind"
            ) from error
        raise


def reader_after_damage(file: BinaryIO, reader: Reader) -> Reader:
    """The reader for what comes after a failure: libsndfile from its start where it can seek over the damage, else FFmpeg, which finds
    its way again where libsndfile gives up.
    """
    if isinstance(reader, SoundFileReader):
        try:
            other = _open_soundfile(file) if reader.seeks else AvReader(file)
        except RowError:
            return reader
        if other is not None and other.rate == reader.rate:
            return other
    return reader


def _open_soundfile(file: BinaryIO) -> SoundFileReader | None:
    file.seek(0)
    try:
        return SoundFileReader(file)
    except soundfile.LibsndfileError:
        return None
