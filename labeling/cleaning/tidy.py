"""tidy: takes off what surrounds a sentence (list markers, markdown, a label in front), and drops what is no sentence (headings, code)."""

import re
import unicodedata

from labeling.normalise import normalise_caption
from labeling.songs import Song

_LABEL = re.compile(
    r"^(?:(?:short|song|music|track)\s+)?(?:description|caption|sentence|answer|output|response|summary)s?\s*\d*\s*[:-]\s+", re.I
)
_HEADING = re.compile(
    r"^(?:instrument(?:s|ation)?|genre|style|mood|tempo|key|vocals?|verse|chorus|bridge|intro|outro|hook|lyrics?|title|song|artist|"
    r"production|tags?|bpm|rhythm|melody|harmony|sentences?|notes?|source|album|year|duration|theme)s?(?:\s+(?:and|&)\s+\w+)?\s*\d*\s*:",
    re.I,
)
_MARKDOWN = re.compile(r"\*\*|__|~~|`+|(?<!\w)[*_](?=\w)|(?<=[\w.!?])[*_](?!\w)")
_ALL_BOLD = re.compile(r"^\s*(?:[-*•]\s+)?(\*\*|__)[^*_]+\1:?\s*$")
_CODE = re.compile(
    r'^\s*(?:#{1,6}\s|```|---+\s*$|\|)|[{}]|\["|"\s*[:\]]|"\s*,\s*"|</?[a-zA-Z][^<>]*>|https?://|www\.\w|\w\.(?:com|org|net)\b|\\n'
)
_TRAILING = re.compile(r"\s*(?:\[\d+\]|\(\d+\))\s*$")


_PLAIN = re.compile(r"[A-Z][A-Za-z0-9 ,;'-]*[.!?]")


def tidy(text: str, _song: Song) -> str | None:
    """The bare sentence, normalised as captions are (labeling.normalise); None for headings, code, links and what has no letter."""
    if _PLAIN.fullmatch(text) and "  " not in text:
        return text
    if _CODE.search(text) or _ALL_BOLD.match(text):
        return None
    bare = normalise_caption(_MARKDOWN.sub("", text))
    if not bare.isascii():
        bare = normalise_caption("".join(mark for mark in bare if unicodedata.category(mark) not in ("So", "Cs", "Co", "Cn", "Sk")))
    bare = normalise_caption(_TRAILING.sub("", _LABEL.sub("", bare)))
    if _HEADING.match(bare) or text.rstrip().endswith(":") or not any(mark.isalpha() for mark in bare):
        return None
    return bare[0].upper() + bare[1:] if bare[0].islower() and bare.endswith((".", "!", "?")) else bare
