"""Two forms of a caption: the one that people read, and the one by which two captions are the same.

The key leaves out what carries no meaning and keeps what does:

    same key                                different keys
    "Piano."          "piano"               "no drums"   "drums"
    "lo-fi, hip-hop"  "Lo-fi hip hop"       "R&B"        "R B"
    "50's pop"        "50s pop"             "4/4 beat"   "44 beat"
    "rock & roll"     "rock and roll"       "C# minor"   "C minor"
    "“Calm” piano!"   "calm piano"          "4.5 s"      "45 s"
"""

import re
import unicodedata

from labeling.ids import stable_id

MAX_CHARACTERS = 1000
"""Bound of the display form. A text tower reads 77 to 512 tokens; what is longer is no caption."""

_PLAIN = str.maketrans(dict.fromkeys("‘’‛`´", "'") | dict.fromkeys("“”„‟«»", '"') | dict.fromkeys("‐‑‒–—−", "-") | {"♯": "#"})
_BULLET = re.compile(r"^(?:[-*•·‣▪◦>]\s+|\(?\d{1,3}[.)]\s+(?=\D))+")
_SEPARATORS = re.compile(r"^[\s,;:|]+|[\s,;:|/\\-]+$")
_PAIRS = {'"': '"', "'": "'", "(": ")", "[": "]", "{": "}"}

_WORD = r"[^\s!-/:-@\[-`{-~]"
_JOINED = re.compile(rf"(?<={_WORD})'(?={_WORD})")
_AND = re.compile(rf"(?<={_WORD})\s+&\s+(?={_WORD})")
_MEANT = rf"(?<={_WORD})&(?={_WORD})|(?<=\d)[./:](?=\d)|(?<={_WORD})[#%]|(?<!\S)[-+](?=\d)"
_SIMPLE = re.compile(r"[A-Za-z]+(?:(?:, |[ -])[A-Za-z]+)*[.!?]?")
_STOPS = re.compile(r"[ ,.!?-]+")
"""Most captions are plain words, whose key needs no more than this."""
_PUNCTUATION = re.compile(rf"({_MEANT})|[!-/:-@\[-`{{-~]")


def normalise_caption(text: str) -> str:
    """The display form: NFKC, plain quotes and dashes, one space between words, no control characters, bullets, quotes around the whole
    or trailing separators; at most MAX_CHARACTERS, cut between words. Applied to its own result it changes nothing.
    """
    mended = _tidy(text)
    while mended != text:
        text, mended = mended, _tidy(mended)
    return mended


def caption_key(text: str) -> str:
    """The equality form of a caption, "" when nothing in it carries meaning."""
    if _SIMPLE.fullmatch(text) and len(text) <= MAX_CHARACTERS:
        return _STOPS.sub(" ", text).strip().lower()
    key = unicodedata.normalize("NFKC", normalise_caption(text).casefold()).translate(_PLAIN)
    if not key.isascii():
        key = "".join(" " if not mark.isascii() and mark != "♭" and unicodedata.category(mark)[0] in "PSZC" else mark for mark in key)
    key = _AND.sub(" and ", _JOINED.sub("", key))
    key = " ".join(_PUNCTUATION.sub(lambda match: match.group(1) or " ", key).split())
    return unicodedata.normalize("NFKC", key)


def caption_id(text: str) -> str:
    """The id under which a caption travels: equal for captions with the same key."""
    return key_id(caption_key(text))


def key_id(key: str) -> str:
    """The id of the caption that has a key."""
    return stable_id("caption", key)


def _tidy(text: str) -> str:
    """One pass of normalise_caption. Lines, tabs and other control characters that separate words become spaces; the rest goes."""
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_PLAIN)).translate(_PLAIN)
    if not text.isprintable():
        text = "".join(mark if mark.isprintable() or mark.isspace() else "" for mark in text)
    text = " ".join(text.split())
    text = _SEPARATORS.sub("", _BULLET.sub("", text))
    if len(text) > 1 and _PAIRS.get(text[0]) == text[-1] and not {text[0], text[-1]} & set(text[1:-1]):
        text = text[1:-1]
    elif text.count('"') == 1 and '"' in (text[:1], text[-1:]):
        text = text.strip('"')
    if len(text) > MAX_CHARACTERS:
        text = text[: MAX_CHARACTERS + 1].rpartition(" ")[0] or text[:MAX_CHARACTERS]
    return text
