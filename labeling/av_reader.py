"""Reading through FFmpeg (PyAV): decoding only. Channels are averaged and rates changed elsewhere."""

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import av
import numpy as np

from labeling.audio_reader import MOST_FRAMES, WatchedFile, average_channels, check_stream
from labeling.cosine import Float32s
from labeling.errors import RowError

_DEMUXERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,mp3,ogg,flac,wav,w64,aiff,caf"
"""No playlists and no concatenations: their demuxers open whatever other file or address the text names."""
_LARGEST_STEP_SECONDS = 0.1
_FORMATS = {"mov": "m4a", "matroska": "webm", "w64": "wav"}


class AvReader:
    """See labeling.audio_reader.Reader. Raises RowError "not_audio" when FFmpeg finds no audio."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._watched, self._container, self._stream = _open(file)
        self.format = _FORMATS.get(name := self._container.format.name.split(",")[0], name)
        self.rate = int(self._stream.rate or 0)
        self.channels = int(self._stream.channels or 0)
        if not self.rate or not self.channels:
            raise RowError("not_audio", "FFmpeg finds an audio stream without a sampling rate or channels")
        check_stream(self.rate, self.channels)
        self.frames = self._promised()
        self._blocks = self._decode()
        self._block: Float32s | RowError = np.zeros(0, np.float32)
        self._length = 0
        self._begin = 0

    def read(self, start: int, end: int) -> Float32s:
        """See labeling.audio_reader.Reader."""
        pieces = []
        failure: RowError | None = None
        while self._begin < end:
            stop = self._begin + self._length
            if stop > start and self._length:
                if isinstance(self._block, RowError):
                    failure = failure or self._block
                else:
                    pieces.append(self._block[max(0, start - self._begin) : end - self._begin])
            if stop >= end or not self._advance():
                break
        self._watched.check()
        if failure is not None:
            raise failure
        return np.concatenate(pieces) if pieces else np.zeros(0, np.float32)

    def _advance(self) -> bool:
        following = next(self._blocks, None)
        if following is None:
            return False
        self._begin += self._length
        self._length, self._block = following
        return True

    def _decode(self) -> Iterator[tuple[int, Float32s | RowError]]:
        """(frames, mono samples) or, where packets are missing or could not be decoded, (frames they should have given, error).

        A missing packet shows in the next one's time, a broken one also in its own length; small steps of time are rounding.
        """
        lost, reason = 0, "packets are missing"
        position, first = 0, None
        for packet in self._packets():
            try:
                frames = packet.decode()
            except (av.error.FFmpegError, ValueError) as error:
                lost += self._frames(packet.duration, packet.time_base)
                reason = str(error)
                continue
            for frame in frames:
                if frame.pts is not None:
                    first = frame.pts if first is None else first
                    step = self._frames(frame.pts - first, frame.time_base) - position
                    lost = max(lost, step) if lost or step > _LARGEST_STEP_SECONDS * self.rate else 0
                if lost:
                    yield lost, RowError("decode_failed", f"{lost / self.rate:.3f} s cannot be decoded: {reason}")
                mono = self._mono(frame)
                yield len(mono), mono
                position += lost + len(mono)
                lost, reason = 0, "packets are missing"

    def _packets(self) -> Iterator[Any]:
        """Packets up to the end of the file, or to where the container is broken, which the missing frames tell."""
        try:
            yield from self._container.demux(self._stream)
        except (av.error.FFmpegError, ValueError):
            return

    def _mono(self, frame: Any) -> Float32s:
        """One decoded frame, planar or packed, integers or floats -> its channels averaged, full scale 1."""
        if frame.sample_rate != self.rate:
            raise RowError("decode_failed", f"the sampling rate changes from {self.rate} to {frame.sample_rate} Hz inside the file")
        samples = frame.to_ndarray()
        if not frame.format.is_planar:
            samples = samples.reshape(-1, frame.layout.nb_channels).T
        if samples.dtype.kind == "u":
            samples = (samples.astype(np.float64) - 128) / 128
        elif samples.dtype.kind == "i":
            samples = samples.astype(np.float64) / 2.0 ** (8 * samples.dtype.itemsize - 1)
        return average_channels(samples)

    def _promised(self) -> int:
        """Frames by the container's own word where it has one; else the packets are counted, without decoding."""
        if self.format == "m4a" and self._stream.duration:
            return self._frames(self._stream.duration, self._stream.time_base)
        _, container, stream = _open(self._file)
        counted, furthest = 0, 0
        with container:
            try:
                for packet in container.demux(stream):
                    length = self._frames(packet.duration, packet.time_base)
                    counted += length
                    if packet.pts is not None:
                        furthest = max(furthest, self._frames(packet.pts, packet.time_base) + length)
            except (av.error.FFmpegError, ValueError):
                pass
        self._watched, self._container, self._stream = _open(self._file)
        return counted if self.format in ("mp3", "aac") else furthest

    def _frames(self, duration: int | None, time_base: Any) -> int:
        return min(MOST_FRAMES, max(0, round((duration or 0) * time_base * self.rate))) if time_base else 0


def _open(file: BinaryIO) -> tuple[WatchedFile, Any, Any]:
    """The file from its start. Raises RowError "not_audio"."""
    file.seek(0)
    watched = WatchedFile(file)
    try:
        container = av.open(cast(Any, watched), options={"format_whitelist": _DEMUXERS}, metadata_errors="replace")
    except (av.error.FFmpegError, ValueError, OSError) as error:
        watched.check()
        raise RowError("not_audio", f"no decoder knows this file ({error})") from error
    if not container.streams.audio:
        raise RowError("not_audio", "the file holds no audio stream")
    return watched, container, container.streams.audio[0]
