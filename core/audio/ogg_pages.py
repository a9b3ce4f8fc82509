"""Walks the pages of an Ogg file: where chained streams begin and end, and which pages are damaged or missing."""

import zlib
from dataclasses import dataclass
from typing import BinaryIO

from noise2music.core.audio.file_window import file_size

_HEADER = 27
_BLOCK = 1 << 20
_BEGINS = 2
_NO_GRANULE = (1 << 64) - 1
_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_MOST_SAMPLES = {b"\x01vorbis": 8192, b"OpusHead": 5760, b"\x7fFLAC": 65536, b"Speex   ": 6400}
"""The most samples that one packet of each codec can hold."""


@dataclass
class Link:
    """One link of a chain: bytes [start, end). damaged: broken or missing pages. odd_times: whether times contradict packets."""

    start: int
    end: int
    damaged: int = 0
    odd_times: bool = False


def walk_ogg(file: BinaryIO) -> list[Link]:
    """An Ogg file -> its links with audio, in order. Nothing is decoded."""
    links: list[Link] = []
    audio: list[bool] = []
    numbers: dict[int, int] = {}
    granules: dict[int, tuple[bytes, int, int]] = {}
    beginning = False
    offset, size = 0, file_size(file)
    base, data = 0, b""
    while offset < size:
        if offset < base or offset + 70_000 > base + len(data):
            file.seek(offset)
            base, data = offset, file.read(_BLOCK)
        at = offset - base
        page = _page(data, at)
        if page is None:
            following = data.find(b"OggS", at + 1)
            if links and (following >= 0 or base + len(data) < size):
                links[-1].damaged += 1
            offset = base + following if following >= 0 else max(offset + 1, base + len(data) - 3)
            continue
        flags, serial, number, granule = page[5], int.from_bytes(page[14:18], "little"), int.from_bytes(page[18:22], "little"), page[6:14]
        body = page[_HEADER + page[26] :]
        if flags & _BEGINS:
            if not beginning:
                links.append(Link(offset, offset))
                audio.append(False)
                numbers, granules = {}, {}
            codec = next((name for name in _MOST_SAMPLES if body.startswith(name)), None)
            if codec is not None:
                audio[-1] = True
                granules[serial] = (codec, 0, 0)
        elif not links:
            links.append(Link(offset, offset))
            audio.append(True)
        beginning = bool(flags & _BEGINS)
        if not beginning and serial in numbers and number != numbers[serial] + 1 & 0xFFFFFFFF:
            links[-1].damaged += 1
        numbers[serial] = number
        if serial in granules:
            codec, before, packets = granules[serial]
            packets += sum(lace < 255 for lace in page[_HEADER : _HEADER + page[26]])
            now = int.from_bytes(granule, "little")
            if now != _NO_GRANULE:
                if before and not 0 <= now - before <= packets * _MOST_SAMPLES[codec]:
                    links[-1].odd_times = True
                before, packets = now, 0
            granules[serial] = (codec, before, packets)
        offset += len(page)
        links[-1].end = offset
    return [link for link, has_audio in zip(links, audio, strict=True) if has_audio]


def _page(data: bytes, at: int) -> bytes | None:
    """The page at `at`; None where there is none, or where its checksum does not match."""
    if data[at : at + 5] != b"OggS\0" or len(data) < at + _HEADER:
        return None
    laces = data[at + _HEADER : at + _HEADER + data[at + 26]]
    page = data[at : at + _HEADER + len(laces) + sum(laces)]
    if len(laces) < data[at + 26] or len(page) < _HEADER + len(laces) + sum(laces):
        return None
    return page if _checksum(page) == int.from_bytes(page[22:26], "little") else None


def _checksum(page: bytes) -> int:
    """Ogg's CRC: zlib's with the bits of every byte and of the result reversed, and without the final inversion."""
    turned = (page[:22] + bytes(4) + page[26:]).translate(_REVERSED)
    checksum = zlib.crc32(turned, 0xFFFFFFFF) ^ 0xFFFFFFFF
    return int(f"{checksum:032b}"[::-1], 2)
