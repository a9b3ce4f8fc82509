"""Guesses the encoding of tags that declare Latin-1 but hold the bytes of a Windows, Chinese, Japanese or Korean machine.

Short texts are easily misread, so an encoding counts only where it is the only one that makes sense.
"""

import re
import unicodedata
from collections.abc import Callable, Sequence

_HIGH_RUN = re.compile(r"[\x80-\uffff]+")
_WORD = re.compile(r"[^\W\d_]+")
_APOSTROPHE = re.compile(r"(?<=[A-Za-z])’(?=[^\W\d_])")
_CYRILLIC_MARKS = frozenset("–—«»„“”’…№ \u00a0")
_HANGUL = frozenset(
    "이다의는에가고을지기리한사하어로은를도자나시그스있서인대여들해라아마과부정전일만제보수것주으안장상원게동우면니적구없성내오거요무"
    "조모소비치와국계신관위공생물선문산경세유미분화진회영방학연중실바년현단개선러저말때날봄좋랑너데타람음달별밤꿈길눈노래탄야트레크"
)
_MOST_HANGUL = 0.6
_WESTERN_MARKS = frozenset("‘’‚“”„–—…°©®™«»¿¡£€§´·½ªº¹²³×ƒ\u00a0")
_MOST_HIGH = 0.5
_LONGEST_RUN = 3
_COMMON = 0.8


def decode_legacy(texts: Sequence[bytes]) -> list[tuple[str | None, str]]:
    """Texts of one file whose encoding is not known -> for each (text, its encoding), or (None, "unknown") where none is sure.

    "ascii", "utf-8" and "cp1252" (Western Europe) are decided for each text by itself. Where one text does not decide, all of the file
    together may.
    """
    together = _sure(b"\n".join(text for text in texts if not _plain(text)))
    return [_decode(text, together) for text in texts]


def _decode(text: bytes, together: str | None) -> tuple[str | None, str]:
    if text.isascii():
        return text.decode("ascii"), "ascii"
    try:
        return text.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        pass
    if (western := _western(text)) is not None:
        return western, "cp1252"
    encoding = _sure(text) or together
    decoded = _strict(text, encoding) if encoding else None
    return (decoded, str(encoding)) if decoded is not None else (None, "unknown")


def _plain(text: bytes) -> bool:
    return text.isascii() or _strict(text, "utf-8") is not None or _western(text) is not None


def _western(text: bytes) -> str | None:
    """The text as Windows-1252 where it reads like a Western language: accents in and around plain letters, no rows of them."""
    decoded = _strict(text, "cp1252")
    if decoded is None:
        return None
    looked_at = _APOSTROPHE.sub("'", decoded)
    for run in _HIGH_RUN.findall(looked_at):
        if not all(mark.isalpha() or mark in _WESTERN_MARKS for mark in run):
            return None
        if len(run) > _LONGEST_RUN or (len(run) > 1 and not all(mark.isalpha() and mark != "ƒ" for mark in run)):
            return None
        if len(run) > 1 and run[-1].isupper() and not run[0].isupper():
            return None
    words = _WORD.findall(looked_at)
    high = sum(not mark.isascii() for word in words for mark in word)
    bare = any(len(word) > 1 and not any(mark.isascii() for mark in word) for word in words)
    return None if bare and high > _MOST_HIGH * sum(map(len, words)) else decoded


def _sure(text: bytes) -> str | None:
    """The one encoding in which the text makes sense; None where none or several do. The narrow ones (_NARROW) win over the others."""
    if not text:
        return None
    candidates = [name for name, makes_sense in _ENCODINGS.items() if (decoded := _strict(text, name)) and makes_sense(text, decoded)]
    if "cp1251" not in candidates and (short := _strict(text, "cp1251")) and _SHORT_CYRILLIC(text, short):
        return None
    narrow = [name for name in candidates if name in _NARROW]
    return narrow[0] if len(narrow) == 1 else candidates[0] if len(candidates) == 1 else None


def _strict(text: bytes, encoding: str) -> str | None:
    try:
        return text.decode(encoding)
    except UnicodeDecodeError:
        return None


def _alphabet(small: str, vowels: str, capitals: str, least: int) -> Callable[[bytes, str], bool]:
    """Whether the words are of these letters, with as many vowels as language has, and capitals where capitals stand.

    Words of capitals alone are of `capitals`: any bytes can look like a row of capitals and rare letters.
    """
    letters, upper = frozenset(small), frozenset(capitals)

    def makes_sense(_: bytes, decoded: str) -> bool:
        words = [word for word in _WORD.findall(decoded) if not word.isascii()]
        marks = "".join(words)
        if len(marks) < least or not all(mark.lower() in letters for mark in marks):
            return False
        if any(not mark.isascii() and not mark.isalpha() and mark not in _CYRILLIC_MARKS for mark in decoded):
            return False
        for word in words:
            if len(word) > 1 and word.isupper() and not upper.issuperset(word):
                return False
            if not (word.islower() or word.isupper() or (word[0].isupper() and word[1:].islower())):
                return False
        return 0.25 <= sum(mark.lower() in vowels for mark in marks) / len(marks) <= (0.65 if len(marks) > 5 else 0.8)

    return makes_sense


def _pairs(first: tuple[int, int], second: tuple[int, int]) -> Callable[[bytes, str], bool]:
    """Whether nearly all double bytes are of the rows that hold the common characters."""

    def makes_sense(text: bytes, _: str) -> bool:
        common = others = position = 0
        while position < len(text):
            if text[position] < 0x80:
                position += 1
                continue
            pair = text[position : position + 2]
            good = len(pair) == 2 and first[0] <= pair[0] <= first[1] and second[0] <= pair[1] <= second[1]
            common, others = common + good, others + (not good)
            position += 2
        return common > 0 and common >= _COMMON * (common + others)

    return makes_sense


def _japanese(text: bytes, decoded: str) -> bool:
    """Kana, or the common kanji; half-width kana are what other encodings look like."""
    names = [unicodedata.name(mark, "") for mark in decoded if not mark.isascii()]
    if any(name.startswith("HALFWIDTH") or not name for name in names):
        return False
    kana = sum(name.startswith(("HIRAGANA", "KATAKANA")) for name in names)
    kanji = sum(name.startswith("CJK UNIFIED") for name in names)
    marks = sum(name.startswith(("FULLWIDTH", "IDEOGRAPHIC", "LEFT CORNER", "RIGHT CORNER", "WAVE DASH")) for name in names)
    if kana + kanji + marks < _COMMON * len(names) or not kana + kanji:
        return False
    return kana >= 0.2 * len(names) or _pairs((0x88, 0x97), (0x40, 0xFC))(text, decoded)


def _korean(_: bytes, decoded: str) -> bool:
    """Mostly the syllables that Korean uses most; Chinese that is read as Korean gives rare ones."""
    syllables = [mark for mark in decoded if not mark.isascii() and mark.isalpha()]
    return len(syllables) > 1 and sum(mark in _HANGUL for mark in syllables) >= _MOST_HANGUL * len(syllables)


def _greek(text: bytes, decoded: str) -> bool:
    """Greek letters, and an accent in most words that are no capitals."""
    words = [word for word in _WORD.findall(decoded) if not word.isascii() and not word.isupper()]
    accented = sum(not _ACCENTS.isdisjoint(word.lower()) for word in words)
    return 2 * accented >= len(words) and _alphabet(_GREEK, _GREEK_VOWELS, _GREEK_CAPITALS, 4)(text, decoded)


_ACCENTS = frozenset("άέήίόύώϊϋ")
_GREEK, _GREEK_VOWELS = "αβγδεζηθικλμνξοπρστυφχψωςάέήίόύώϊϋ", "αεηιουωάέήίόύώϊϋ"
_GREEK_CAPITALS = "ΑΒΓΔΕΖΗΘΙΚΛΜΝΞΟΠΡΣΤΥΦΧΨΩ"
_RUSSIAN = "абвгдежзийклмнопрстуфхцчшщъыьэюяё"
_RUSSIAN_VOWELS = "аеёиоуыэюяіїє"
_SHORT_CYRILLIC = _alphabet(_RUSSIAN, _RUSSIAN_VOWELS, _RUSSIAN.upper(), 2)
_ENCODINGS: dict[str, Callable[[bytes, str], bool]] = {
    "cp1251": _alphabet(_RUSSIAN + "іїєґў", _RUSSIAN_VOWELS, _RUSSIAN.upper(), 3),
    "koi8-r": _alphabet(_RUSSIAN, _RUSSIAN_VOWELS, _RUSSIAN.upper(), 4),
    "cp1253": _greek,
    "gb18030": _pairs((0xB0, 0xD7), (0xA1, 0xFE)),
    "cp932": _japanese,
    "euc-kr": _korean,
    "euc-jp": _pairs((0xA4, 0xA5), (0xA1, 0xF6)),
    "big5": _pairs((0xA4, 0xC6), (0x40, 0xFE)),
}
_NARROW = frozenset({"euc-kr", "euc-jp"})
