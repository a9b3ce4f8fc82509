"""Decodes text files: UTF-8, UTF-16 by its byte order mark, or an older encoding where exactly one makes sense of every word.

A general detector was measured first (charset-normalizer 3.5): of 22 titles and names in eleven encodings it misread 12 without a warning,
"Träne" as Chinese among them. Here an encoding counts when it is the only one that makes sense (core.tables.alphabets).
"""

import codecs
import re
from dataclasses import dataclass

from noise2music.core.errors import UserError
from noise2music.core.tables.alphabets import common_share, explained
from noise2music.core.tally import Tally

_LATIN = ("cp1252", "cp1250", "cp850", "mac_roman")
"""In a tie cp1252 wins, by far the most common one. A tie between the others stays undecided."""
_OTHERS = ("cp1254", "cp1251", "koi8_r", "cp866", "cp1253", "cp1255", "gb18030", "cp932", "big5", "cp949", "euc_jp")
_WIDE = ("gb18030", "cp932", "big5", "cp949", "euc_jp")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 1 << 16
_CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1f]")
_LONG_LINE = 1 << 13
_EXAMPLE_CHARACTERS = 1 << 20
_MIXED_UTF8 = re.compile(rb"\xc3[\x80-\xbf](?![\x80-\xbf])|\xe2\x80[\x80-\xbf]")
_ENOUGH = 0.9
_WHOLE_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf](?![\x80-\xbf])|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")


@dataclass(frozen=True)
class Decoded:
    """text: bytes that no encoding explains are lone surrogates (U+DC80 to U+DCFF). doubt: why there are some, None without any."""

    text: str
    encoding: str
    doubt: str | None = None


def decode_text(name: str, data: bytes, notes: Tally | None = None) -> Decoded:
    """The bytes of the text file `name` -> its text without a byte order mark.

    Any encoding but UTF-8 is reported in `notes`. Raises UserError for UTF-16 or UTF-32 that is cut or damaged.
    """
    decoded = _decode(name, data)
    if notes is not None and decoded.encoding != "utf-8":
        lines = [line.strip() for line in re.split(r"[\r\n]+", decoded.text[:_EXAMPLE_CHARACTERS])]
        example = next((line for line in lines if not line.isascii()), lines[0])
        notes.lose("encoding", f"{name} is not UTF-8; it was read as {decoded.encoding}: {example[:80]!r}")
    return decoded


def is_broken(text: str) -> bool:
    """Whether a piece of decoded text holds bytes that no encoding explained."""
    return not text.isascii() and any("\udc80" <= mark <= "\udcff" for mark in text)


def _decode(name: str, data: bytes) -> Decoded:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return Decoded(_marked(name, data, encoding), encoding)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return _guess(data)
    return _unmarked(data) or Decoded(text, "utf-8") if "\0" in text else Decoded(text, "utf-8")


def _marked(name: str, data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        raise UserError(f"{name} begins as {encoding.upper()} and is cut or damaged ({error.reason}). Save it as UTF-8.") from error


def _unmarked(data: bytes) -> Decoded | None:
    """UTF-16 without its mark: every second byte of Western text is 0."""
    sample = data[: _SAMPLE_BYTES & ~1]
    for first, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = sample[first::2]
        if len(data) % 2 == 0 and len(zeros) > 2 and zeros.count(0) > 0.7 * len(zeros) and 0 not in sample[1 - first :: 2]:
            try:
                return Decoded(data.decode(encoding).removeprefix("\ufeff"), encoding)
            except UnicodeDecodeError:
                return None
    return None


def _guess(data: bytes) -> Decoded:
    broken = Decoded(data.removeprefix(codecs.BOM_UTF8).decode("utf-8", "surrogateescape"), "utf-8", "not UTF-8")
    sample = _sample(data)
    if not sample or _CONTROL.search(sample) or b"\0" in data or data.startswith(codecs.BOM_UTF8) or _mostly_utf8(sample):
        return broken
    latin = () if _MIXED_UTF8.search(sample) else _LATIN
    readings = {encoding: text for encoding in (*latin, *_OTHERS) if (text := _try(sample, encoding)) is not None}
    candidates = _sure(readings)
    if isinstance(candidates, list) and len(candidates) == 1:
        candidates = candidates[0]
    if isinstance(candidates, str):
        text = _try(data, candidates)
        return Decoded(text, candidates) if text is not None else broken
    between = f", and it cannot be told whether it is {' or '.join(candidates[:4])}" if candidates else ""
    return Decoded(broken.text, "utf-8", f"not UTF-8{between}")


def _sample(data: bytes) -> bytes:
    """Lines with bytes outside of ASCII; of a long one the cells."""
    pieces: list[bytes] = []
    size = 0
    for line in re.split(rb"[\r\n]+", data):
        if line.isascii():
            continue
        for piece in [line] if len(line) < _LONG_LINE else re.split(rb'[",]+', line):
            if not piece.isascii() and len(piece) < _LONG_LINE:
                pieces.append(piece)
                size += len(piece)
        if size > _SAMPLE_BYTES:
            break
    return b"\n".join(pieces)


def _mostly_utf8(sample: bytes) -> bool:
    """Damaged UTF-8: half of the bytes outside of ASCII or more are whole UTF-8 characters."""
    high = sum(byte > 0x7F for byte in sample)
    return sum(len(match) for match in _WHOLE_UTF8.findall(sample)) * 2 >= high > 0


def _try(data: bytes, encoding: str) -> str | None:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        return None


def _sure(readings: dict[str, str]) -> str | list[str]:
    """The one encoding that makes sense, or those between which the text does not decide."""
    likely: dict[str, float] = {}
    for encoding, text in readings.items():
        good, total = explained(encoding, text)
        enough = 1.0 if total < 10 or encoding == "cp949" else _ENOUGH
        if encoding == "euc_jp" and not any("ぁ" <= mark <= "ヿ" for mark in text):
            continue
        if total and good >= enough * total:
            likely[encoding] = good / total
    if not likely:
        return [encoding for encoding in ("gb18030", "big5") if encoding in readings and _mostly_common(encoding, readings[encoding])]
    wide = [encoding for encoding in ("gb18030", "cp949", "big5") if encoding in likely]
    if len(wide) > 1:
        shares = sorted(((common_share(encoding, readings[encoding]), encoding) for encoding in wide), reverse=True)
        if shares[0][0] - shares[1][0] >= 0.15 and all(_is_wide(readings[encoding]) for encoding in wide):
            for _, encoding in shares[1:]:
                del likely[encoding]
    narrow = [encoding for encoding in likely if encoding not in _WIDE]
    for encoding in [encoding for encoding in likely if encoding in _WIDE and narrow]:
        share, length = common_share(encoding, readings[encoding]), len(readings[encoding])
        if share >= 0.25 and length > 3:
            likely = {encoding: likely[encoding]}
        elif encoding != "cp932" and share < 0.05 and length > 6:
            del likely[encoding]
    first = next(iter(likely))
    different = [encoding for encoding in likely if readings[encoding] != readings[first]]
    if different and first == "cp1252" and all(encoding in _LATIN for encoding in different):
        return max(likely, key=lambda encoding: likely[encoding])
    return [first, *different] if different else first


def _is_wide(text: str) -> bool:
    return any(ord(mark) > 0x2FFF for mark in text)


def _mostly_common(encoding: str, text: str) -> bool:
    good, total = explained(encoding, text)
    return good >= 0.7 * total > 2 and common_share(encoding, text) >= 0.2
