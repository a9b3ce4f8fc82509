"""Two forms of a caption: the display form that people read, and the key by which two captions count as the same.

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

from noise2music.core.ids import stable_id

# Descriptions are split into sentences by rules, which are fast and deterministic, and made for how people and language models write
# about music. Raters leave out spaces ("an instrumental.The tempo"), start in lower case ("claps. tinny hi-hats"), write decimals
# ("4.5"), abbreviations ("feat.", "e.g.", "No. 5") and quotations ('sings "go!" twice'). Language models add initials ("J.S.
# Bach"), lists ("1. Piano") and bold.


_END = re.compile(r"(?P<mark>[.!?…]+|[。！？]+)(?P<close>[\"'”’»)\]*_]*)(?:\s+|$|(?<=[。！？]))")
_NEW_SENTENCE = r"(?=[A-Z][a-z]*(?:'s)?(?:[\s,;:.!?]|$)|(?:the|this|it|its|there|they|a|an|no)(?:'s)?\s)"
_MISSING_SPACE = re.compile(
    rf"[.!?](?=[A-Za-z])(?:(?:(?<=[a-z)\"'][a-z)\"'].)|(?<=[.!?]{{2}})){_NEW_SENTENCE}|(?<=[A-Z0-9]\.)(?=(?:The|This|It|Its|There|They)\s))"
)
_SPACE_BEFORE = re.compile(rf"(?<=[\w)\"']) (\.+){_NEW_SENTENCE}")
_INSIDE = re.compile(r"(?<=[\w,] )(?:\"[^\"]*\"|“[^“”]*”|\([^()]*\))|(?<!\w)\"[^\"]*\"(?=,? [a-z])|“[^“”]*”(?=,? [a-z])")
_LIST_MARKER = re.compile(r"\W*(?:(?:\d{1,2}\.)*\d{1,2}|[A-Za-z]|[ivxIVX]+)")
_LISTED_NUMBER = re.compile(r": 1|; \d")
_DOTTED = re.compile(r"(?:[a-z]\.)+[a-z]")
_NOT_A_WORD = re.compile(r"\W")
_KEY = re.compile(r"\b(?:key of|in) [A-G]$")

_OPENERS = "\"'“‘«([*_"
_NEVER_ENDS = frozenset(
    {"feat", "ft", "vs", "e.g", "i.e", "eg", "ie", "mr", "mrs", "ms", "dr", "prof", "st", "approx", "ca", "cf", "incl", "esp", "a.k.a"}
)
_ENDS_UNLESS_NUMBER = frozenset({"no", "nos", "op", "vol", "pt", "nr", "fig"})
_ENDS_BEFORE_CAPITAL = frozenset({"etc", "jr", "sr", "min", "sec", "inc", "co", "bros", "u.s", "u.k", "p.m", "a.m"})
_STARTERS = frozenset(
    {"the", "this", "these", "that", "there", "it", "its", "they", "he", "she", "we", "you", "a", "an", "in", "on", "but", "no"}
)
_LOWER_STARTERS = frozenset({"the", "this", "there", "it", "its", "they"})


def split_sentences(text: str) -> list[str]:
    """The sentences of a text in order, stripped, each with its closing mark; what holds no letter and no digit is left out.

    A line's end always ends a sentence. List markers stay with the sentence that they open.
    """
    sentences = []
    for line in text.splitlines():
        line = _MISSING_SPACE.sub(r"\g<0> ", _SPACE_BEFORE.sub(r"\1 ", line) if " ." in line else line)
        inside = [span.span() for span in _INSIDE.finditer(line)] if '"' in line or "“" in line or "(" in line else []
        start = 0
        for end in _END.finditer(line):
            within = inside and any(first < end.start() and end.end("close") < last for first, last in inside)
            if not within and _closes(line, start, end):
                sentences.append(line[start : end.end()])
                start = end.end()
        sentences.append(line[start:])
    tidied = (sentence.strip() for sentence in sentences)
    return [sentence for sentence in tidied if any(character.isalnum() for character in sentence)]


def _closes(line: str, start: int, end: re.Match[str]) -> bool:
    """Whether the mark at `end` closes the sentence that began at `start`."""
    after = line[end.end() : end.end() + 40].lstrip(_OPENERS)
    if not after:
        return True
    first = _NOT_A_WORD.split(after, maxsplit=1)[0]
    follows_lower = after.lstrip("—–- ")[:1].islower()
    if follows_lower and end["close"].strip("*_"):
        return False
    if end["mark"] != ".":
        return not follows_lower or (first in _LOWER_STARTERS and end["mark"][-1] in "!?")
    before = line[start : end.start()].rstrip()
    if not before or _LIST_MARKER.fullmatch(before) or _LISTED_NUMBER.fullmatch(before[-3:]):
        return False
    word = before.rsplit(None, 1)[-1].lstrip(_OPENERS)
    lowered = word.lower()
    if lowered in _NEVER_ENDS:
        return False
    if lowered in _ENDS_UNLESS_NUMBER or word == "c":
        return not after[0].isdigit()
    if lowered in _ENDS_BEFORE_CAPITAL:
        return not follows_lower and not after[0].isdigit()
    if _DOTTED.fullmatch(lowered):
        return not follows_lower and first.lower() in _STARTERS
    if len(word) == 1 and word.isupper():
        return first.lower() in _STARTERS or _KEY.search(before) is not None
    return True


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
