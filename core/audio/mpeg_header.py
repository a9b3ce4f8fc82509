"""Headers of MPEG audio frames (layers II and III) and of ADTS, and the length that an mp3's first frame claims.

Layer I is left out: nobody writes it, and much that is no audio looks like it.
"""

from dataclasses import dataclass
from functools import cache

_BIT_RATES = {
    (1, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (1, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (2, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (2, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_RATES = (44100, 48000, 32000)
_ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)
_DECODER_DELAY = 529
_XING = {"frames": 1, "bytes": 2, "toc": 4, "quality": 8}


@dataclass(frozen=True)
class Kind:
    """What all frames of one stream share: a decoder of FFmpeg ("mp3float", "mp2float" or "aac"), rate in Hz, samples a frame."""

    decoder: str
    rate: int
    samples: int


@cache
def mpeg_header(bits: int) -> tuple[Kind, int] | None:
    """The second and third byte of a frame as one number -> its kind and its size in bytes; None for no valid header."""
    version, layer = {3: 1, 2: 2, 0: 3}.get(bits >> 11 & 3), {2: 2, 1: 3}.get(bits >> 9 & 3)
    rate, kilobits = bits >> 2 & 3, bits >> 4 & 15
    if bits >> 13 != 7 or version is None or layer is None or rate == 3 or kilobits in (0, 15):
        return None
    hertz = _RATES[rate] >> (version - 1)
    bit_rate = 1000 * _BIT_RATES[min(version, 2), layer][kilobits]
    samples = 576 if layer == 3 and version > 1 else 1152
    return Kind("mp2float" if layer == 2 else "mp3float", hertz, samples), samples // 8 * bit_rate // hertz + (bits >> 1 & 1)


def adts_header(head: bytes) -> tuple[Kind, int] | None:
    """Seven bytes -> the kind and the size in bytes of an ADTS frame; None for no valid header."""
    if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0 or head[2] >> 2 & 15 >= len(_ADTS_RATES):
        return None
    size = (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
    return (Kind("aac", _ADTS_RATES[head[2] >> 2 & 15], 1024 * ((head[6] & 3) + 1)), size) if size > 7 else None


@dataclass(frozen=True)
class Claim:
    """What the first frame of an mp3 states about the file: frames and bytes (None: not stated), samples to cut at start and end."""

    frames: int | None
    bytes: int | None
    before: int
    after: int


def mp3_claim(frame: bytes) -> Claim | None:
    """A complete first frame -> its Xing, Info or VBRI header; None where it holds music."""
    if frame[36:40] == b"VBRI" and len(frame) >= 54:
        return Claim(int.from_bytes(frame[50:54], "big"), None, 0, 0)
    newest, mono = frame[1] & 0x18 == 0x18, frame[3] & 0xC0 == 0xC0
    offset = 4 + ((17 if mono else 32) if newest else (9 if mono else 17))
    offset = next((at for at in (offset, offset + 2) if frame[at : at + 4] in (b"Xing", b"Info")), -1)
    if offset < 0 or len(frame) < offset + 8:
        return None
    flags, at = frame[offset + 7], offset + 8
    fields = {}
    for name, flag in _XING.items():
        if flags & flag:
            fields[name] = int.from_bytes(frame[at : at + 4], "big") if name in ("frames", "bytes") else 0
            at += 100 if name == "toc" else 4
    encoder, trims = frame[at : at + 4], frame[at + 21 : at + 24]
    if encoder not in (b"LAME", b"Lavf", b"Lavc") or len(trims) < 3:
        return Claim(fields.get("frames"), fields.get("bytes"), 0, 0)
    before, after = trims[0] << 4 | trims[1] >> 4, (trims[1] & 15) << 8 | trims[2]
    return Claim(fields.get("frames"), fields.get("bytes"), before + _DECODER_DELAY, max(0, after - _DECODER_DELAY))
