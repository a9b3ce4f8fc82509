"""Rules "words", "quotes" and "low_information": length, whole sentences, paired quotes, and more content than praise."""

import re

from noise2music.labeling.captions.cleaning.proper_words import allowed_words
from noise2music.labeling.captions.cleaning.word_lists import word_lists
from noise2music.labeling.corpus.songs import Song

_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")
_BEGINS_LATE = re.compile(r"^(?:and|or|but|which|that|whose|then)\b")


def has_length(text: str, least: int, most: int) -> bool:
    """Whether a text has so many words."""
    return least <= sum(1 for _ in _WORD.finditer(text)) <= most


def is_whole(text: str) -> bool:
    """Whether a text neither begins nor ends in the middle of a sentence."""
    if _BEGINS_LATE.match(text) or text.endswith(("...", "…", ",", "-", "–", "(")):
        return False
    words, lists = _WORD.findall(text), word_lists().shape
    if not words or words[-1].lower() in lists.hanging:
        return False
    return text.endswith((".", "!", "?")) or words[-1].lower() not in lists.hanging_without_stop


def quotes(text: str, _song: Song) -> str | None:
    """None when quotes or brackets do not come in pairs."""
    return text if _is_balanced(text) else None


def low_information(text: str, _song: Song) -> str | None:
    """None when a sentence has few words besides general praise, and none of them is about music."""
    words = [word.lower().removesuffix("'s") for word in _WORD.findall(text)]
    lists, allowed = word_lists().shape, allowed_words()
    vague = sum(word in lists.vague for word in words)
    content_words = [word for word in words if word not in lists.vague and word not in lists.function and word not in lists.subjects]
    is_of_music = any(word in allowed or word.removesuffix("s") in allowed for word in content_words)
    return text if len(content_words) >= 1 + (len(words) > 12) and (is_of_music or len(content_words) >= vague) else None


def _is_balanced(text: str) -> bool:
    if text.count('"') % 2:
        return False
    open_brackets: list[str] = []
    for mark in text:
        if mark in "([":
            open_brackets.append(mark)
        elif mark in ")]" and (not open_brackets or open_brackets.pop() != {")": "(", "]": "["}[mark]):
            return False
    return not open_brackets
