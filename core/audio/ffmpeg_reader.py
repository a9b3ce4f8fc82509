"""Reads audio through FFmpeg (PyAV). It only decodes: downmix and resampling are done elsewhere."""

from collections.abc import Iterator
from typing import Any, BinaryIO, cast

import av
import numpy as np
import soxr

from noise2music.core.arrays import Float32s
from noise2music.core.audio.block_reader import Block, BlockReader, Missing, frame_samples
from noise2music.core.audio.reader import MOST_FRAMES, Stretch, WatchedFile, check_stream
from noise2music.core.errors import RowError

_DEMUXERS = ",".join(
    (
        "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,mp3,ogg,flac,wav,w64,aiff,caf",
        "asf,avi,flv,mpegts,mpeg,au,wv,loas,ac3,eac3,dts,dtshd,truehd,amr,ape,tta,tak,mpc,mpc8,dsf,iff,oma,voc,shn,rm,xwma,qcp,nut,spdif",
    )
)
"""Demuxers that open no other file. Playlists and concatenations are left out: they open any file or address that their text names."""
_WALKED = frozenset({"m4a", "webm", "aac", "flac"})
"""Formats whose packets state their length reliably. All others are decoded to learn their length."""
_CLAIMING = frozenset({"m4a", "webm", "asf", "avi", "flv", "wv", "ape", "tta", "tak", "mpc", "mpc8"})
_FORMATS = {"mov": "m4a", "matroska": "webm", "w64": "wav", "loas": "aac"}
AGREED_SECONDS = 0.05
"""A header that is off by less is trusted: containers round, encoders pad."""


class AvReader:
    """See core.audio.reader.Reader. Raises RowError "not_audio" when FFmpeg finds no audio."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._open()
        self.format = _FORMATS.get(name := self._container.format.name.split(",")[0], name)
        self.codec: str = self._stream.codec_context.name
        self.rate = int(self._stream.rate or 0)
        self.channels = int(self._stream.channels or 0)
        if not self.rate or not self.channels:
            raise RowError("not_audio", "FFmpeg finds an audio stream without a sampling rate or channels")
        check_stream(self.rate, self.channels)
        self.claimed = self._claim()
        self.frames = self._measure()
        if not self.claimed or abs(self.claimed - self.frames) <= AGREED_SECONDS * self.rate:
            self.frames = self.claimed = (self.format == "m4a" and self.claimed) or self.frames
        self._start()

    def read(self, start: int, end: int) -> Stretch:
        """See core.audio.reader.Reader."""
        stretch = self._reader.read(start, end)
        self._watched.check()
        return stretch

    @property
    def whole(self) -> bool:
        """Whether no packet was missing or cut short."""
        return not self._holes

    def _open(self) -> None:
        self._watched, self._container, self._stream = open_container(self._file)
        if self._stream.codec_context.name == "flac":
            self._stream.codec_context.options = {"err_detect": "crccheck+explode"}

    def _start(self) -> None:
        self._open()
        self._reader = BlockReader(self._blocks())

    def _claim(self) -> int:
        """Frames that the container states; 0 where it states nothing, or speaks of more than the audio."""
        if self.format == "m4a":
            return frames_of(self._stream.duration, self._stream.time_base, self.rate)
        if self.format in _CLAIMING and len(self._container.streams) == 1 and self._container.duration:
            return frames_of(self._container.duration, 1 / av.time_base, self.rate)
        return 0

    def _measure(self) -> int:
        """Frames in the file: summed over the packets or, where packets are not reliable, by decoding them."""
        timeline, packets, self._holes = Timeline(self.format, self.rate), 0, False
        first = furthest = None
        if self.format in _WALKED:
            for packet in self._packets():
                if not packet.size or packet.is_discard:
                    continue
                missing, own, why = timeline.step(packet)
                self._holes |= bool(missing or why)
                packets += 1
                if packet.pts is not None:
                    at = round(packet.pts * packet.time_base * self.rate)
                    first = at if first is None else first
                    furthest = max(furthest or 0, at + own)
            counted = timeline.counted
            if first is not None and first < 0:
                counted, first = counted + first, 0
            spanned = (furthest or 0) - (first or 0) if self.format == "webm" else counted
            even = abs(spanned - counted) <= AGREED_SECONDS * self.rate
            frame = int(self._stream.codec_context.frame_size or 0)
            even &= not frame or self.format != "m4a" or abs(packets * frame - timeline.counted) <= max(frame, AGREED_SECONDS * self.rate)
            if packets and not timeline.untimed > 1 and even and not self._holes:
                return spanned
        self._start()
        return self._reader.count()

    def _blocks(self) -> Iterator[Block]:
        """Decoded samples. Where packets are missing or cannot be decoded: how many frames they should have held."""
        timeline, usual, begun, own = Timeline(self.format, self.rate), 0, False, 0
        for packet in self._packets():
            if packet.size:
                missing, own, why = timeline.step(packet)
                if why and begun:
                    yield Missing(missing, why)
            try:
                blocks = [self._at_our_rate(frame) for frame in packet.decode()]
            except (av.error.FFmpegError, ValueError) as error:
                if packet.size and (own or usual):
                    yield Missing(own or usual, _words(error))
                    timeline.took(0 if own else usual)
                continue
            got = sum(block.shape[1] for block in blocks)
            if begun and packet.size and not got and usual:
                yield Missing(own or usual, "a packet gives no samples")
                got = 0 if own else usual
            timeline.took(0 if own else got)
            yield from (block for block in blocks if block.shape[1])
            begun |= bool(blocks)
            usual = sum(block.shape[1] for block in blocks) or usual

    def _packets(self) -> Iterator[Any]:
        """Packets up to the end of the file, or up to damage in the container; the missing frames then show it."""
        try:
            yield from self._container.demux(self._stream)
        except (av.error.FFmpegError, ValueError):
            return

    def _at_our_rate(self, frame: Any) -> Float32s:
        """(channels, n) at the rate that the file began with. A later part of another rate is resampled, frame by frame in a stream."""
        samples = frame_samples(frame)
        if frame.sample_rate == self.rate:
            self._other = None
            return samples
        key = (frame.sample_rate, len(samples))
        if self._other is None or self._other[0] != key:
            self._other = (key, soxr.ResampleStream(frame.sample_rate, self.rate, len(samples), dtype="float32"))
        resampled = self._other[1].resample_chunk(np.ascontiguousarray(samples.T))
        return np.ascontiguousarray(resampled.reshape(-1, len(samples)).T)

    _other: tuple[tuple[int, int], Any] | None = None


def open_container(file: BinaryIO, encoding: str = "utf-8") -> tuple[WatchedFile, Any, Any]:
    """The file from its start, by FFmpeg; `encoding` is that of its tags. Raises RowError "not_audio"."""
    file.seek(0)
    watched = WatchedFile(file)
    try:
        container = av.open(
            cast(Any, watched), options={"format_whitelist": _DEMUXERS}, metadata_encoding=encoding, metadata_errors="replace"
        )
    except (av.error.FFmpegError, ValueError, OSError) as error:
        watched.check()
        raise RowError("not_audio", f"FFmpeg does not know it ({_words(error)})") from error
    stream = next((stream for stream in container.streams.audio if stream.codec_context is not None), None)
    if stream is None:
        raise RowError("not_audio", "FFmpeg finds no audio stream in it that it can decode")
    return watched, container, stream


def _words(error: Exception) -> str:
    """What FFmpeg says, in words: no numbers and no names of files that are not there."""
    return str(getattr(error, "strerror", None) or error).split(": '<none>'")[0].strip() or "no reason is given"


LONGEST_GAP_SECONDS = 10
"""A jump of time beyond this is a new count of time, not a gap."""
_EXACT = frozenset({"m4a", "webm", "flac", "ogg"})
_EXACT_SECONDS = 0.015
_LOOSE_SECONDS = 0.1


class Timeline:
    """Follows packets in their order. Times are frames at `rate`."""

    def __init__(self, form: str, rate: int) -> None:
        self._rate = rate
        self._slack = round(rate * (_EXACT_SECONDS if form in _EXACT else _LOOSE_SECONDS))
        self._end: int | None = None
        self.counted = 0
        self.untimed = 0

    def step(self, packet: Any) -> tuple[int, int, str]:
        """The next packet -> (frames missing before it, its stated length in frames, why). A jump that is no gap: 0 frames, and why."""
        own = frames_of(packet.duration, packet.time_base, self._rate)
        self.untimed += not own
        missing, why = 0, ""
        if packet.pts is not None and packet.time_base:
            start = round(packet.pts * packet.time_base * self._rate)
            if self._end is not None:
                jump = start - self._end
                if self._slack < jump <= LONGEST_GAP_SECONDS * self._rate:
                    missing, why = jump, "packets are missing"
                elif abs(jump) > LONGEST_GAP_SECONDS * self._rate:
                    why = f"the times in the file jump by {jump / self._rate:.3f} s"
            self._end = start + own
        elif self._end is not None:
            self._end += own
        self.counted += missing + own
        return missing, own, why

    def took(self, frames: int) -> None:
        """Add the length of the last packet, which did not state it: it decoded to `frames`."""
        if self._end is not None:
            self._end += frames


def frames_of(duration: int | None, time_base: Any, rate: int) -> int:
    """A time in a stream's unit -> frames, bounded."""
    return min(MOST_FRAMES, max(0, round((duration or 0) * time_base * rate))) if time_base else 0
