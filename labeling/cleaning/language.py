"""language: captions are in one language; sentences in another are dropped."""

import py3langid

from labeling.cleaning.rule import Judge
from labeling.songs import Song

MARGIN = 10.0
"""How much likelier (natural logarithm) another language must be: short sentences full of terms are hard to tell."""
_ENGLISH = frozenset(("the", "with", "and", "while", "this", "that's", "it's", "there"))
_SHARED = frozenset(("a", "an", "is", "of", "by", "for", "on", "in", "as", "from", "at"))
"""Words that only English has, and words that it shares: one of the first or two of the second are enough in plain letters."""


def language(code: str) -> Judge:
    """A judge that says None for sentences in a language other than `code` (ISO 639-1), by the classifier of py3langid."""

    def judge(text: str, _song: Song) -> str | None:
        if code == "en" and text.isascii():
            words = set(text.lower().split())
            if not words.isdisjoint(_ENGLISH) or len(words & _SHARED) > 1:
                return text
        ranked = py3langid.rank(text)
        wanted = next((score for name, score in ranked if name == code), None)
        if wanted is None or ranked[0][1] - wanted > MARGIN:
            return None
        return text

    return judge
