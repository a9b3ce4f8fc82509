"""Two libraries, one file: where both can open it, both decode its first second, and a rule decides when they differ."""

from typing import BinaryIO

import numpy as np

from noise2music.core.audio.block_reader import BlockReader
from noise2music.core.audio.ffmpeg_reader import open_container
from noise2music.core.audio.frame_samples import frame_samples
from noise2music.core.audio.soundfile_reader import SoundFileReader
from noise2music.core.errors import RowError

_ROUNDING = 1e-3


def ffmpeg_is_right(file: BinaryIO, reader: SoundFileReader, kind: str) -> bool:
    """A PCM file that libsndfile has opened -> whether FFmpeg is to read it all the same. The reader stays where it is.

    The rule: FFmpeg ignores the byte order of RIFX, so libsndfile reads that. Where FFmpeg finds a compressed stream inside what is called
    PCM (DTS or AC-3 on a disc's tracks), it is right: plain numbers are noise then. Any other difference has no rule.
    Raises RowError "ambiguous_audio".
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
