"""Reads what the header of a WAV or AIFF claims, and where a second file begins behind it."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from noise2music.core.audio.file_window import file_size

_WHOLES = {b"RIFF", b"RIFX", b"RF64", b"FORM"}
_MOST_CHUNKS = 10_000


@dataclass(frozen=True)
class RiffClaim:
    """frames: samples a channel by the header (None: not stated). next: offset of another file of the kind, or the file's end.
    plain: whether the samples are uncompressed. odd: whether fields of the header contradict each other.
    """

    frames: int | None
    next: int
    plain: bool = False
    odd: bool = False


def riff_claim(file: BinaryIO) -> RiffClaim:
    """A RIFF, RIFX, RF64 or FORM file -> what its header claims. Chunks are stepped over, not read."""
    size = file_size(file)
    head = file.read(12)
    if len(head) < 12 or head[:4] not in _WHOLES:
        return RiffClaim(None, size)
    order = ">" if head[:4] in (b"RIFX", b"FORM") else "<"
    stated = 8 + int(struct.unpack(order + "I", head[4:8])[0])
    following = stated + stated % 2
    file.seek(following)
    joined = following < size and following > 12 and _begins(file.read(12))
    end = following if joined else size
    frames, layout, data, big = None, b"", -1, 0
    for name, offset, length in riff_chunks(file, order, end):
        if name == b"ds64":
            big = int(struct.unpack("<Q", _read(file, offset + 8, 8).ljust(8, b"\0"))[0])
        elif name == b"fmt ":
            layout = _read(file, offset, min(length, 40))
        elif name == b"COMM":
            comm = _read(file, offset, 8)
            frames = int(struct.unpack(">I", comm[2:6])[0]) if len(comm) == 8 else None
        elif name == b"data" and data < 0:
            data = big if length == 0xFFFFFFFF and big else length
    if len(layout) < 16:
        return RiffClaim(frames, end)
    tag, channels, _, _, align, bits = struct.unpack(order + "HHIIHH", layout[:16])
    if tag == 0xFFFE and len(layout) >= 26:
        tag = struct.unpack(order + "H", layout[24:26])[0]
    width = channels * ((bits + 7) // 8)
    plain = tag in (1, 3) and width > 0
    return RiffClaim(data // width if plain and data >= 0 else None, end, plain, plain and align != width)


def _begins(head: bytes) -> bool:
    return head[:4] in _WHOLES and head[8:12] in (b"WAVE", b"AIFF", b"AIFC")


def _read(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def riff_chunks(file: BinaryIO, order: str, end: int) -> Iterator[tuple[bytes, int, int]]:
    """(name, offset of the body, stated length) of each chunk of a RIFF or FORM file; `order` is "<" or ">"."""
    offset = 12
    for _ in range(_MOST_CHUNKS):
        head = _read(file, offset, 8)
        if len(head) < 8 or offset >= end:
            return
        length = int(struct.unpack(order + "I", head[4:8])[0])
        yield head[:4], offset + 8, length
        offset += 8 + length + length % 2
