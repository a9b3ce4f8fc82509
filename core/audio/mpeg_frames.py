"""Finds all frames of an mp3 or ADTS file by walking their headers. What the file claims about itself is not trusted.

Tags between frames take no time. Other bytes between frames are damaged frames: they count as the frames that would have fitted.
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import BinaryIO

from noise2music.core.audio.file_window import file_size
from noise2music.core.audio.mpeg_header import Claim, Kind, adts_header, mp3_claim, mpeg_header

Header = Callable[[bytes, int], tuple[Kind, int] | None]

_BLOCK = 1 << 20
_LOOK_AHEAD = 1 << 14
_NEIGHBOURS = 25
_TAG = re.compile(rb"ID3[\x02-\x04]\x00|APETAGEX|LYRICSBEGIN")
_SMALL_TAG = 1 << 16
"""A small tag with no frame behind it may overstate its size, so frames are searched inside it. Larger tags hold pictures: any bytes."""
_CHAIN = 3
"""This many headers in a row mark the start of frames. Fewer are enough at the end of the file."""


@dataclass
class Run:
    """Consecutive frames of one kind. offsets, sizes: in bytes. missing: frame number -> how many frames are missing before it."""

    kind: Kind
    offsets: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("i"))
    missing: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Walk:
    """runs: in order. claim: what the first frame states (that frame is then in no run). bytes: of the file; tags: of its tags.
    interrupted: whether other bytes lie between frames. begin: offset of the first frame.
    """

    runs: tuple[Run, ...]
    claim: Claim | None
    bytes: int
    tags: int
    interrupted: bool
    begin: int

    @property
    def end(self) -> int:
        """The offset behind the last frame."""
        return self.runs[-1].offsets[-1] + self.runs[-1].sizes[-1] if self.runs else self.begin

    @property
    def frames(self) -> int:
        """Frames in the file."""
        return sum(len(run.offsets) for run in self.runs)

    @property
    def counted(self) -> int:
        """Frames in the file and frames that are missing between them."""
        return self.frames + sum(sum(run.missing.values()) for run in self.runs)

    @property
    def covered(self) -> float:
        """The share of the file that is frames, tags aside."""
        return sum(sum(run.sizes) for run in self.runs) / max(1, self.bytes - self.tags)


def walk_mpeg(file: BinaryIO) -> Walk:
    """An mp3 (layer II or III) -> its frames."""

    def header(data: bytes, at: int) -> tuple[Kind, int] | None:
        return mpeg_header(data[at + 1] << 8 | data[at + 2]) if data[at] == 0xFF else None

    return _Walker(file, header, b"\xff").walk()


def walk_adts(file: BinaryIO) -> Walk:
    """AAC in ADTS -> its frames."""
    return _Walker(file, lambda data, at: adts_header(data[at : at + 7]), b"\xff").walk()


class _Walker:
    def __init__(self, file: BinaryIO, header: Header, sync: bytes) -> None:
        self._file = file
        self._header = header
        self._sync = sync
        self._size = file_size(file)
        self._base = 0
        self._data = b""
        self._runs: list[Run] = []
        self._claim: Claim | None = None
        self._tags = 0
        self._interrupted = False
        self._begin = 0

    def walk(self) -> Walk:
        offset = 0
        while offset < self._size:
            offset = self._frames(offset)
            behind = self._after_tags(offset)
            following = self._next_frame(behind)
            if following > behind > offset and behind - offset < _SMALL_TAG:
                following = self._next_frame(offset + 3)
            tagged = behind > offset or _TAG.search(self._peek(behind, following)) is not None
            self._tags += behind - offset
            if following >= self._size:
                break
            if self._runs and following > offset:
                self._interrupted = True
                if not tagged and not self._is_header_frame(following):
                    self._miss(following)
            offset = following
        self._count_missing()
        return Walk(tuple(run for run in self._runs if run.offsets), self._claim, self._size, self._tags, self._interrupted, self._begin)

    def _peek(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        return self._file.read(max(0, min(end - start, _BLOCK)))

    def _frames(self, offset: int) -> int:
        """Collect consecutive frames from `offset` on; returns the offset where they stop."""
        run = self._runs[-1] if self._runs else None
        while True:
            self._fill(offset)
            data, base, limit = self._data, self._base, len(self._data) - _LOOK_AHEAD
            if self._base + len(data) >= self._size:
                limit = len(data) - 7
            at = offset - base
            while at < limit:
                header = self._header(data, at)
                if header is None:
                    return base + at
                kind, size = header
                if base + at + size > self._size:
                    return base + at
                if run is None or kind != run.kind:
                    if not self._chain(base + at):
                        return base + at
                    if run is None and self._claim is None:
                        self._begin = base + at
                    if run is None and self._claims(data[at : at + size]):
                        at += size
                        continue
                    run = Run(kind)
                    self._runs.append(run)
                run.offsets.append(base + at)
                run.sizes.append(size)
                at += size
            offset = base + at
            if self._base + len(data) >= self._size:
                return offset

    def _claims(self, frame: bytes) -> bool:
        if self._claim is None and frame[1] & 0xF6 != 0xF0:
            self._claim = mp3_claim(frame)
            return self._claim is not None
        return False

    def _is_header_frame(self, offset: int) -> bool:
        self._fill(offset)
        return mp3_claim(self._data[offset - self._base :][:4096]) is not None

    def _miss(self, following: int) -> None:
        """Note a gap before the frame at `following`. It counts from the start of the last frame, whose size may be the damage."""
        run = self._runs[-1]
        if run.offsets:
            run.missing[len(run.offsets)] = following - run.offsets[-1]

    def _count_missing(self) -> None:
        """Turn gaps in bytes into missing frames, by the frame sizes around each. Where there is one gap and the file's own claim gives
        nearly the same number, the claim counts.
        """
        for run in self._runs:
            for number, junk in list(run.missing.items()):
                near = run.sizes[max(0, number - 1 - _NEIGHBOURS) : max(1, number - 1)] + run.sizes[number : number + _NEIGHBOURS]
                run.missing[number] = max(0, round(junk * len(near) / sum(near)) - 1)
        holes = [(run, number) for run in self._runs for number, frames in run.missing.items() if frames]
        if len(holes) == 1 and self._claim is not None and self._claim.frames:
            (run, number), count = holes[0], sum(len(run.offsets) for run in self._runs)
            claimed = self._claim.frames - count
            if abs(claimed - run.missing[number]) <= max(3, run.missing[number] // 2) and claimed > 0:
                run.missing[number] = claimed

    def _after_tags(self, offset: int) -> int:
        """The offset behind the tags at `offset`."""
        while True:
            self._fill(offset)
            head = self._data[offset - self._base :][:32]
            if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 0x80:
                size = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]) + (10 if head[5] & 0x10 else 0)
            elif head[:8] == b"APETAGEX" and len(head) == 32:
                size = 32 + (int.from_bytes(head[12:16], "little") if int.from_bytes(head[20:24], "little") & 1 << 29 else 0)
            elif head[:3] == b"TAG":
                size = 128
            elif head[:11] == b"LYRICSBEGIN":
                size = 11
            else:
                return offset
            offset = min(self._size, offset + (size if offset + size <= self._size else 3))

    def _next_frame(self, offset: int) -> int:
        """The first offset from `offset` on where frames begin, or the file's end."""
        while offset < self._size:
            self._fill(offset)
            at = self._data.find(self._sync, offset - self._base, max(offset - self._base + 1, len(self._data) - 16))
            if at < 0:
                offset = max(offset + 1, self._base + len(self._data) - 16)
                if self._base + len(self._data) >= self._size:
                    return self._size
                continue
            offset = self._base + at
            if self._chain(offset):
                return offset
            offset += 1
        return self._size

    def _chain(self, offset: int) -> bool:
        """Whether frames of one kind follow each other from `offset` on."""
        first: Kind | None = None
        for number in range(_CHAIN):
            self._fill(offset)
            at = offset - self._base
            if at + 7 > len(self._data):
                return first is not None and number > 0 and offset <= self._size
            header = self._header(self._data, at)
            if header is None or (first is not None and header[0] != first):
                return number > 0 and self._data[at : at + 3] in (b"TAG", b"APE", b"LYR", b"ID3") and first is not None
            first = header[0]
            offset += header[1]
        return True

    def _fill(self, offset: int) -> None:
        """Load the bytes from `offset` on, enough for a frame and its neighbours."""
        if self._base <= offset and offset + _LOOK_AHEAD < self._base + len(self._data):
            return
        if self._base <= offset and self._base + len(self._data) >= self._size:
            return
        self._base = offset
        self._file.seek(offset)
        self._data = self._file.read(_BLOCK)
        if len(self._data) < min(_BLOCK, self._size - offset):
            self._size = offset + len(self._data)
