"""Rule "tidy": removes what surrounds a sentence (list markers, markdown, a label in front), and drops headings and code."""

import re
import unicodedata

from noise2music.labeling.captions.text import normalise_caption
from noise2music.labeling.corpus.songs import Song

_LABEL = re.compile(
    r"^(?:(?:short|song|music|track)\s+)?(?:description|caption|sentence|answer|output|response|summary)s?\s*\d*\s*[:-]\s+", re.I
)
_HEADING = re.compile(
    r"^(?:instrument(?:s|ation)?|genre|style|mood|tempo|key|vocals?|verse|chorus|bridge|intro|outro|hook|lyrics?|title|song|artist|"
    r"production|tags?|bpm|rhythm|melody|harmony|sentences?|notes?|source|album|year|duration|theme)s?(?:\s+(?:and|&)\s+\w+)?\s*\d*\s*:",
    re.I,
)
_MARKDOWN = re.compile(r"\*\*|__|~~|`+|(?<!\w)[*_](?=\w)|(?<=[\w.!?])[*_](?!\w)")
_MARKER = r"\s*(?:[-*•>]\s+|\(?\d{1,3}[.)]\s+)*"
_ALL_MARKED = re.compile(
    rf"^(?:{_MARKER}#{{1,6}}\s+(?P<title>.+)|{_MARKER}(?P<mark>\*\*\*?|___?)(?P<bold>[^*_]+)(?P=mark)(?P<colon>:?))\s*$"
)
"""A line marked as a heading, or all in bold. Most are headings, but some models write whole sentences like that."""
_LEAD_IN = re.compile(rf"^{_MARKER}(?:\*\*|__)(?P<title>[^*_]{{1,60}}?)(?::\s*(?:\*\*|__)|(?:\*\*|__)\s*:)\s+(?P<rest>[\"'“(]?[A-Z].*)$")
_SENTENCE_END = re.compile(r"[.!?…][\"'”’)\]]*$")
_FEWEST_WORDS, _FEWEST_WORDS_OPEN = 3, 7
"""The fewest words of a sentence with an end mark, and of one without."""
_CODE = re.compile(r'^\s*(?:```|---+\s*$|\|)|[{}]|\["|"\s*[:\]]|"\s*,\s*"|</?[a-zA-Z][^<>]*>|https?://|www\.\w|\w\.(?:com|org|net)\b|\\n')
_TRAILING = re.compile(r"\s*(?:\[\d+\]|\(\d+\))\s*$")


_PLAIN = re.compile(r"[A-Z][A-Za-z0-9 ,;'-]*[.!?]")


def tidy(text: str, _song: Song) -> str | None:
    """The bare sentence, normalised as captions are (labeling.captions.text); None for headings, code, links and what has no letter."""
    if _PLAIN.fullmatch(text) and "  " not in text:
        return text
    if marked := _ALL_MARKED.match(text):
        text = marked["title"] or marked["bold"]
        if marked["colon"] or not _is_sentence(text):
            return None
    elif (led := _LEAD_IN.match(text)) and not _HEADING.match(f"{led['title']}:") and _is_sentence(led["rest"]):
        text = led["rest"]
    if _CODE.search(text):
        return None
    bare = normalise_caption(_MARKDOWN.sub("", text))
    if not bare.isascii():
        bare = normalise_caption("".join(mark for mark in bare if unicodedata.category(mark) not in ("So", "Cs", "Co", "Cn", "Sk")))
    bare = normalise_caption(_TRAILING.sub("", _LABEL.sub("", bare)))
    if _HEADING.match(bare) or text.rstrip().endswith(":") or not any(mark.isalpha() for mark in bare):
        return None
    return bare[0].upper() + bare[1:] if bare[0].islower() and bare.endswith((".", "!", "?")) else bare


def _is_sentence(text: str) -> bool:
    """Whether text in bold, or after a bold title, is a sentence: it ends like one or is long, and is not capitalised like a title."""
    bare = normalise_caption(_MARKDOWN.sub("", text))
    words = [word for word in bare.split() if word[0].isalnum()]
    if bare.endswith(":") or _HEADING.match(bare) or sum(word[0].isupper() for word in words) > max(1, len(words) / 2):
        return False
    return len(words) >= (_FEWEST_WORDS if _SENTENCE_END.search(bare) else _FEWEST_WORDS_OPEN)
