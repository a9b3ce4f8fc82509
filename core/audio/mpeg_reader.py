"""Opens an mp3 or ADTS file.

Decodes the frames that core.audio.mpeg_frames found, with FFmpeg's decoders. No demuxer, which could mistake other bytes for frames.
"""

from collections.abc import Iterator
from functools import partial
from itertools import pairwise
from typing import Any, BinaryIO

import av
import numpy as np
import soundfile

from noise2music.core.arrays import Float32s
from noise2music.core.audio.block_reader import Block, BlockReader, Missing, frame_samples
from noise2music.core.audio.chain_reader import ChainReader
from noise2music.core.audio.ffmpeg_reader import AGREED_SECONDS, AvReader
from noise2music.core.audio.file_window import window
from noise2music.core.audio.mpeg_frames import Run, Walk, walk_adts, walk_mpeg
from noise2music.core.audio.reader import Reader, Stretch, WatchedFile, check_stream
from noise2music.core.audio.soundfile_reader import SoundFileReader
from noise2music.core.errors import RowError

_MUSIC = 0.5
"""Where frames cover less of the file than this, it may be something else that happens to contain frames."""
_ALL = 0.9
_BYTES = 0.01


def open_mpeg(file: BinaryIO, kind: str | None, sure: bool) -> Reader | None:
    """The reader of a file's frames; None where there are none or, unless the caller is `sure`, too few. kind: of core.audio.open_reader.

    libsndfile (mpg123) reads mp3s whose first frame states the true length and that hold nothing but frames. FFmpeg's demuxer reads clean
    ADTS, and its decoder all other files, frame by frame. Frames of another rate (joined files) are resampled.
    """
    walk = walk_adts(file) if kind == "aac" else walk_mpeg(file)
    if walk.covered < _MUSIC:
        other = walk_mpeg(file) if kind == "aac" else walk_adts(file)
        walk = max(walk, other, key=lambda candidate: candidate.covered)
    if not walk.runs or (walk.covered < _MUSIC and not sure):
        return None
    if walk.runs[0].kind.decoder == "aac" and len(walk.runs) == 1 and not walk.interrupted:
        try:
            return AvReader(window(file, walk.begin, walk.end))
        except RowError:
            pass
    rate, samples = walk.runs[0].kind.rate, walk.runs[0].kind.samples
    if (reader := _by_libsndfile(file, walk)) is not None:
        return reader
    before, after = (walk.claim.before, walk.claim.after) if walk.claim else (0, 0)
    ends_where_claimed = walk.claim is not None and walk.claim.frames == walk.counted and len(walk.runs) == 1
    trims = [(before if not number else 0, after if ends_where_claimed else 0) for number in range(len(walk.runs))]
    openers = [partial(MpegReader, file, run, *trim) for run, trim in zip(walk.runs, trims, strict=True)]
    reader = ChainReader(openers) if len(openers) > 1 else openers[0]()
    if walk.claim is not None and walk.claim.frames is not None:
        claimed = max(0, walk.claim.frames * samples - before - walk.claim.after) * reader.rate // rate
    elif walk.covered < _ALL:
        claimed = round(reader.frames / walk.covered)
    else:
        claimed = reader.frames
    reader.claimed = claimed if abs(claimed - reader.frames) > AGREED_SECONDS * reader.rate else reader.frames
    return reader


def _by_libsndfile(file: BinaryIO, walk: Walk) -> Reader | None:
    claim, kind = walk.claim, walk.runs[0].kind
    if claim is None or not claim.frames or len(walk.runs) > 1 or walk.interrupted or kind.decoder != "mp3float":
        return None
    if abs(claim.frames - walk.frames) * kind.samples > AGREED_SECONDS * kind.rate:
        return None
    if claim.bytes and abs(claim.bytes - (walk.end - walk.begin)) > _BYTES * claim.bytes:
        return None
    try:
        reader = SoundFileReader(window(file, walk.begin, walk.end))
    except soundfile.LibsndfileError:
        return None
    return (
        reader if abs(reader.frames - walk.frames * kind.samples) <= AGREED_SECONDS * kind.rate + 2 * claim.after + claim.before else None
    )


_AT_ONCE = 64
_TRIED = 200


class MpegReader:
    """See core.audio.reader.Reader. Reads one run of frames, without `before` samples at its start and `after` at its end.

    Raises RowError "unreadable" when none of its first frames can be decoded.
    """

    def __init__(self, file: BinaryIO, run: Run, before: int = 0, after: int = 0) -> None:
        self._watched = WatchedFile(file)
        self._run = run
        self.format = "aac" if run.kind.decoder == "aac" else "mp3"
        self.rate, self.channels = self._look()
        check_stream(self.rate, self.channels)
        self._samples = run.kind.samples * self.rate // run.kind.rate
        whole = (len(run.offsets) + sum(run.missing.values())) * self._samples
        self.frames = self.claimed = max(0, whole - before - after)
        self._reader = BlockReader(_trimmed(self._blocks(), before))

    def read(self, start: int, end: int) -> Stretch:
        """See core.audio.reader.Reader."""
        stretch = self._reader.read(start, min(end, self.frames))
        self._watched.check()
        return stretch

    def _look(self) -> tuple[int, int]:
        """Rate and channels of the first frame that decodes."""
        decoder = av.CodecContext.create(self._run.kind.decoder, "r")
        reason = "there is no frame"
        for packet in self._packets(_TRIED):
            try:
                for frame in decoder.decode(packet):
                    return int(frame.sample_rate), int(frame.layout.nb_channels)
            except (av.error.FFmpegError, ValueError) as error:
                reason = _words(error)
        self._watched.check()
        raise RowError("unreadable", f"the file has the frames of {self.format}, and none of the first ones can be decoded: {reason}")

    def _packets(self, most: int | None = None) -> Iterator[Any]:
        offsets, sizes = self._run.offsets, self._run.sizes
        count = min(len(offsets), most or len(offsets))
        for first in range(0, count, _AT_ONCE):
            last = min(first + _AT_ONCE, count)
            if all(offsets[a] + sizes[a] == offsets[b] for a, b in pairwise(range(first, last))):
                self._watched.seek(offsets[first])
                data = self._watched.read(offsets[last - 1] + sizes[last - 1] - offsets[first])
                for number in range(first, last):
                    at = offsets[number] - offsets[first]
                    yield av.Packet(data[at : at + sizes[number]])
            else:
                for number in range(first, last):
                    self._watched.seek(offsets[number])
                    yield av.Packet(self._watched.read(sizes[number]))

    def _blocks(self) -> Iterator[Block]:
        decoder: Any = av.CodecContext.create(self._run.kind.decoder, "r")
        for number, packet in enumerate(self._packets()):
            if missing := self._run.missing.get(number):
                yield Missing(missing * self._samples, f"{missing} frames are damaged")
            try:
                blocks = [frame_samples(frame) for frame in decoder.decode(packet) if frame.sample_rate == self.rate]
                got = sum(block.shape[1] for block in blocks)
                why = "a frame gives no samples"
            except (av.error.FFmpegError, ValueError) as error:
                blocks, got, why = [], 0, _words(error)
            yield from blocks
            if got < self._samples:
                yield Missing(self._samples - got, why)


def _trimmed(blocks: Iterator[Block], before: int) -> Iterator[Block]:
    """The blocks without the first `before` frames."""
    for block in blocks:
        length = block.frames if isinstance(block, Missing) else block.shape[1]
        if before >= length:
            before -= length
            continue
        if before:
            block = Missing(length - before, block.why) if isinstance(block, Missing) else _from(block, before)
            before = 0
        yield block


def _from(block: Float32s, start: int) -> Float32s:
    return np.ascontiguousarray(block[:, start:])


def _words(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).split(":")[0].strip() or "the decoder gives no reason"
