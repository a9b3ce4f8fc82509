"""Reads with libsndfile, and with FFmpeg from the first place that libsndfile cannot decode, or where the two differ on a PCM file."""

from typing import BinaryIO

import numpy as np

from noise2music.core.audio.block_reader import BlockReader, frame_samples
from noise2music.core.audio.ffmpeg_reader import AvReader, open_container
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


_ROUNDING = 1e-3


def ffmpeg_is_right(file: BinaryIO, reader: SoundFileReader, kind: str) -> bool:
    """Whether FFmpeg should read a PCM file that libsndfile has opened. The reader keeps its position.

    FFmpeg ignores the byte order of RIFX, so libsndfile reads that. Where FFmpeg finds a compressed stream inside declared PCM (DTS or AC-3
    on a disc's tracks), FFmpeg is right: read as plain numbers it would be noise. Any other difference raises RowError "ambiguous_audio".
    """
    if kind == "rifx":
        return False
    try:
        _, container, stream = open_container(file)
    except RowError:
        return False
    if not stream.codec_context.name.startswith(("pcm_", "adpcm_", "gsm")):
        return True
    second = min(reader.frames, reader.rate)
    ours = SoundFileReader(file).read(0, second).audio
    blocks = (frame_samples(frame) for packet in container.demux(stream) for frame in packet.decode())
    try:
        theirs = BlockReader(blocks).read(0, second).audio
    except Exception:
        return False
    length = min(len(ours), len(theirs))
    if int(stream.rate or 0) == reader.rate and length and _agree(ours[:length], theirs[:length]):
        return False
    raise RowError(
        "ambiguous_audio",
        f"libsndfile and FFmpeg read different sounds from it ({reader.rate} Hz and {stream.rate} Hz, {reader.channels} and "
        f"{stream.channels} channels): its header contradicts itself",
    )


def _agree(ours: "np.ndarray[tuple[int], np.dtype[np.float32]]", theirs: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> bool:
    """Equal but for rounding. NaN and infinity are compared as they are."""
    return bool(np.allclose(ours, theirs, rtol=_ROUNDING, atol=_ROUNDING, equal_nan=True))
