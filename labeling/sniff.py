"""What a file's first bytes say it is. Names and suffixes are not believed."""

from typing import BinaryIO

_FIRST_FRAME_BYTES = 4096
_XING_HAS_FRAMES = 1


def sniff(file: BinaryIO) -> str | None:
    """ "wav", "aiff", "flac", "ogg", "mp4", "matroska", "caf", "mp3" or "aac"; None for anything else. Leaves the file at its start."""
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    if head[:4] in (b"RIFF", b"RF64") and head[8:12] == b"WAVE":
        return "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    for magic, offset, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    if head[:1] == b"\xff" and head[1:2] >= b"\xe0" and len(head) >= 4:
        if head[1] & 0xF6 == 0xF0:
            return "aac"
        return "mp3" if _is_mp3_header(head) else None
    return None


def mp3_states_length(file: BinaryIO) -> bool:
    """Whether the first frame of an mp3 holds a Xing or Info header with the number of frames. Leaves the file at its start.

    libsndfile believes its own estimate where there is none, and stops there: with a variable bit rate that loses music.
    """
    start = 0
    while True:
        file.seek(start)
        head = file.read(10)
        if head[:3] != b"ID3" or len(head) < 10:
            break
        start += 10 + (head[6] << 21 | head[7] << 14 | head[8] << 7 | head[9]) + (10 if head[5] & 0x10 else 0)
    file.seek(start)
    frame = file.read(_FIRST_FRAME_BYTES)
    file.seek(0)
    if not _is_mp3_header(frame):
        return False
    newest, mono = frame[1] & 0x18 == 0x18, frame[3] & 0xC0 == 0xC0
    side_info = (17 if mono else 32) if newest else (9 if mono else 17)
    for place in (4 + side_info, 6 + side_info):
        tag = frame[place : place + 8]
        if tag[:4] in (b"Xing", b"Info") and len(tag) == 8:
            return bool(tag[7] & _XING_HAS_FRAMES)
    return False


def _is_mp3_header(head: bytes) -> bool:
    """Sync, a version, layer II or III, a bit rate and a sampling rate that exist."""
    if len(head) < 4 or head[0] != 0xFF or head[1] & 0xE0 != 0xE0:
        return False
    version, layer = head[1] & 0x18, head[1] & 0x06
    return version != 0x08 and layer in (0x02, 0x04) and head[2] & 0xF0 not in (0x00, 0xF0) and head[2] & 0x0C != 0x0C


_MAGIC = (
    (b"fLaC", 0, "flac"),
    (b"OggS", 0, "ogg"),
    (b"ID3", 0, "mp3"),
    (b"ftyp", 4, "mp4"),
    (b"\x1a\x45\xdf\xa3", 0, "matroska"),
    (b"caff", 0, "caf"),
    (b"riff\x2e\x91\xcf\x11", 0, "wav"),
)
