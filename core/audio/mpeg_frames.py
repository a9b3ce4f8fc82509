"""Where the frames of an mp3 or of ADTS really are: their headers are walked from the first to the last, whatever the file says of itself.

Tags between frames cost no time. Other bytes between frames stand where frames were, and cost as many as would have fitted.
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
"""A tag behind which no frame begins may have said too much of its own size; larger ones hold pictures, in which anything may stand."""
_CHAIN = 3
"""So many headers must follow each other where frames begin anew. Fewer will do where the file ends before."""


@dataclass
class Run:
    """Frames of one kind, one after the other: places and sizes in bytes, and how many are missing before some of them (by number)."""

    kind: Kind
    places: array[int] = field(default_factory=lambda: array("q"))
    sizes: array[int] = field(default_factory=lambda: array("i"))
    missing: dict[int, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Walk:
    """Runs in order, what the first frame claims (that frame is in no run then), bytes of the file, bytes that tags take, whether tags
    or other bytes stand between frames, and where the first frame begins.
    """

    runs: tuple[Run, ...]
    claim: Claim | None
    bytes: int
    tags: int
    interrupted: bool
    begin: int

    @property
    def end(self) -> int:
        """Behind the last frame."""
        return self.runs[-1].places[-1] + self.runs[-1].sizes[-1] if self.runs else self.begin

    @property
    def frames(self) -> int:
        """Frames that are there."""
        return sum(len(run.places) for run in self.runs)

    @property
    def counted(self) -> int:
        """Frames that are there and frames that are missing between them."""
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
        place = 0
        while place < self._size:
            place = self._frames(place)
            behind = self._after_tags(place)
            following = self._next_frame(behind)
            if following > behind > place and behind - place < _SMALL_TAG:
                following = self._next_frame(place + 3)
            tagged = behind > place or _TAG.search(self._peek(behind, following)) is not None
            self._tags += behind - place
            if following >= self._size:
                break
            if self._runs and following > place:
                self._interrupted = True
                if not tagged and not self._is_header_frame(following):
                    self._miss(following)
            place = following
        self._count_missing()
        return Walk(tuple(run for run in self._runs if run.places), self._claim, self._size, self._tags, self._interrupted, self._begin)

    def _peek(self, start: int, end: int) -> bytes:
        self._file.seek(start)
        return self._file.read(max(0, min(end - start, _BLOCK)))

    def _frames(self, place: int) -> int:
        """Take frames as long as they follow each other; -> where they do no more."""
        run = self._runs[-1] if self._runs else None
        while True:
            self._fill(place)
            data, base, limit = self._data, self._base, len(self._data) - _LOOK_AHEAD
            if self._base + len(data) >= self._size:
                limit = len(data) - 7
            at = place - base
            while at < limit:
                found = self._header(data, at)
                if found is None:
                    return base + at
                kind, size = found
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
                run.places.append(base + at)
                run.sizes.append(size)
                at += size
            place = base + at
            if self._base + len(data) >= self._size:
                return place

    def _claims(self, frame: bytes) -> bool:
        if self._claim is None and frame[1] & 0xF6 != 0xF0:
            self._claim = mp3_claim(frame)
            return self._claim is not None
        return False

    def _is_header_frame(self, place: int) -> bool:
        self._fill(place)
        return mp3_claim(self._data[place - self._base :][:4096]) is not None

    def _miss(self, following: int) -> None:
        """Frames go on at `following`, and not where the last one ended. Its own size may be what is wrong, so it counts from its start."""
        run = self._runs[-1]
        if run.places:
            run.missing[len(run.places)] = following - run.places[-1]

    def _count_missing(self) -> None:
        """Bytes become frames: as many as would have fitted, by the sizes around; where the file's own claim makes it nearly so many, the
        claim knows better.
        """
        for run in self._runs:
            for number, junk in list(run.missing.items()):
                near = run.sizes[max(0, number - 1 - _NEIGHBOURS) : max(1, number - 1)] + run.sizes[number : number + _NEIGHBOURS]
                run.missing[number] = max(0, round(junk * len(near) / sum(near)) - 1)
        holes = [(run, number) for run in self._runs for number, frames in run.missing.items() if frames]
        if len(holes) == 1 and self._claim is not None and self._claim.frames:
            (run, number), there = holes[0], sum(len(run.places) for run in self._runs)
            claimed = self._claim.frames - there
            if abs(claimed - run.missing[number]) <= max(3, run.missing[number] // 2) and claimed > 0:
                run.missing[number] = claimed

    def _after_tags(self, place: int) -> int:
        """Behind the tags that stand at `place`."""
        while True:
            self._fill(place)
            head = self._data[place - self._base :][:32]
            if head[:3] == b"ID3" and len(head) >= 10 and max(head[6:10]) < 0x80:
                size = 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]) + (10 if head[5] & 0x10 else 0)
            elif head[:8] == b"APETAGEX" and len(head) == 32:
                size = 32 + (int.from_bytes(head[12:16], "little") if int.from_bytes(head[20:24], "little") & 1 << 29 else 0)
            elif head[:3] == b"TAG":
                size = 128
            elif head[:11] == b"LYRICSBEGIN":
                size = 11
            else:
                return place
            place = min(self._size, place + (size if place + size <= self._size else 3))

    def _next_frame(self, place: int) -> int:
        """The first place from `place` on where frames follow each other, or the file's end."""
        while place < self._size:
            self._fill(place)
            at = self._data.find(self._sync, place - self._base, max(place - self._base + 1, len(self._data) - 16))
            if at < 0:
                place = max(place + 1, self._base + len(self._data) - 16)
                if self._base + len(self._data) >= self._size:
                    return self._size
                continue
            place = self._base + at
            if self._chain(place):
                return place
            place += 1
        return self._size

    def _chain(self, place: int) -> bool:
        """Whether frames of one kind follow each other from `place` on."""
        first: Kind | None = None
        for number in range(_CHAIN):
            self._fill(place)
            at = place - self._base
            if at + 7 > len(self._data):
                return first is not None and number > 0 and place <= self._size
            found = self._header(self._data, at)
            if found is None or (first is not None and found[0] != first):
                return number > 0 and self._data[at : at + 3] in (b"TAG", b"APE", b"LYR", b"ID3") and first is not None
            first = found[0]
            place += found[1]
        return True

    def _fill(self, place: int) -> None:
        """Have the bytes from `place` on at hand, as many as a frame and its neighbours can take."""
        if self._base <= place and place + _LOOK_AHEAD < self._base + len(self._data):
            return
        if self._base <= place and self._base + len(self._data) >= self._size:
            return
        self._base = place
        self._file.seek(place)
        self._data = self._file.read(_BLOCK)
        if len(self._data) < min(_BLOCK, self._size - place):
            self._size = place + len(self._data)
