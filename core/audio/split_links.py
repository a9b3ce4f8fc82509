"""Where the files that were joined into one begin and end."""

from typing import BinaryIO

from noise2music.core.audio.file_window import file_size, window
from noise2music.core.audio.riff_claim import riff_claim

_FLAC = b"fLaC\0\0\0\x22"
_BLOCK = 1 << 20
_MOST = 100_000


def split_links(file: BinaryIO, kind: str) -> list[tuple[int, int]]:
    """A file of one of libsndfile's kinds, but for Ogg -> bytes [start, end) of each file in it, in order; the whole where there is one."""
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
    """Where a FLAC begins: at the file's start, and wherever its marker and first block stand again."""
    file.seek(0)
    places, base, tail = [0], 0, b""
    while block := file.read(_BLOCK):
        data = tail + block
        at = data.find(_FLAC)
        while at >= 0:
            place = base - len(tail) + at
            if place and _is_stream(data[at + 8 : at + 26]):
                places.append(place)
            at = data.find(_FLAC, at + 1)
        base += len(block)
        tail = data[-25:]
    return sorted(set(places))


def _is_stream(info: bytes) -> bool:
    """Whether a FLAC's first block holds sizes and a rate that exist."""
    smallest, largest, rate = int.from_bytes(info[:2], "big"), int.from_bytes(info[2:4], "big"), int.from_bytes(info[10:13], "big") >> 4
    return len(info) >= 13 and 16 <= smallest <= largest and 1000 <= rate <= 655_350
