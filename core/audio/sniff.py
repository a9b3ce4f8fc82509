"""Tells a file's format from its first bytes, never from its name."""

from typing import BinaryIO

from noise2music.core.audio.mpeg_header import adts_header, mpeg_header


def sniff(file: BinaryIO) -> str | None:
    """ "wav", "rifx", "aiff", "flac", "ogg", "mp4", "matroska", "caf", "au", "mp3" or "aac"; None for anything else. Leaves the file at
    its start. The caller has to skip tags in front.
    """
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:12] == b"WAVE":
        return "rifx" if head[:4] == b"RIFX" else "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    for magic, offset, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    if adts_header(head) is not None:
        return "aac"
    return "mp3" if head[:1] == b"\xff" and len(head) >= 4 and mpeg_header(head[1] << 8 | head[2]) else None


_MAGIC = (
    (b"fLaC", 0, "flac"),
    (b"OggS", 0, "ogg"),
    (b"ftyp", 4, "mp4"),
    (b"\x1a\x45\xdf\xa3", 0, "matroska"),
    (b"caff", 0, "caf"),
    (b".snd", 0, "au"),
    (b"riff\x2e\x91\xcf\x11", 0, "wav"),
)
