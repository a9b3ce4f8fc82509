"""Finds where files that were joined into one begin and end."""

from typing import BinaryIO

from noise2music.core.audio.file_window import file_size, window
from noise2music.core.audio.riff_claim import riff_claim

_FLAC = b"fLaC\0\0\0\x22"
_BLOCK = 1 << 20
_MOST = 100_000


def split_links(file: BinaryIO, kind: str) -> list[tuple[int, int]]:
    """A file of any libsndfile kind except Ogg -> bytes [start, end) of each file in it, in order."""
    if kind == "flac":
        starts = _markers(file)
        return list(zip(starts, [*starts[1:], file_size(file)], strict=True))
    size, start = file_size(file), 0
    links: list[tuple[int, int]] = []
    while kind in ("wav", "rifx", "aiff") and start < size and len(links) < _MOST:
        end = start + riff_claim(window(file, start, size)).next
        links.append((start, end))
        start = end
    return links or [(0, size)]


def _markers(file: BinaryIO) -> list[int]:
    """Offsets where a FLAC begins: the file's start, and wherever marker and first block appear again."""
    file.seek(0)
    offsets, base, tail = [0], 0, b""
    while block := file.read(_BLOCK):
        data = tail + block
        at = data.find(_FLAC)
        while at >= 0:
            offset = base - len(tail) + at
            if offset and _is_stream(data[at + 8 : at + 26]):
                offsets.append(offset)
            at = data.find(_FLAC, at + 1)
        base += len(block)
        tail = data[-25:]
    return sorted(set(offsets))


def _is_stream(info: bytes) -> bool:
    """Whether a FLAC's first block holds valid sizes and a valid rate."""
    smallest, largest, rate = int.from_bytes(info[:2], "big"), int.from_bytes(info[2:4], "big"), int.from_bytes(info[10:13], "big") >> 4
    return len(info) >= 13 and 16 <= smallest <= largest and 1000 <= rate <= 655_350
