"""Decodes the frames that core.audio.mpeg_frames found, with FFmpeg's decoders. No demuxer, which could mistake other bytes for frames."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, BinaryIO

import av
import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.block_reader import Block, BlockReader, Missing
from noise2music.core.audio.frame_samples import frame_samples
from noise2music.core.audio.mpeg_frames import Run
from noise2music.core.audio.reader import Stretch, WatchedFile, check_stream
from noise2music.core.errors import RowError

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
