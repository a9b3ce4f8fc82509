"""Rule "language": drops sentences in another language."""

import py3langid

from noise2music.labeling.captions.cleaning.rule import Judge
from noise2music.labeling.captions.cleaning.word_lists import word_lists
from noise2music.labeling.corpus.songs import Song

MARGIN = 10.0
"""How much likelier (natural logarithm) another language must be. Short sentences full of terms are hard to classify."""


def language(code: str) -> Judge:
    """A judge that says None for sentences in a language other than `code` (ISO 639-1), by the classifier of py3langid."""

    word_list = word_lists().language

    def judge(text: str, _song: Song) -> str | None:
        if code == "en" and text.isascii():
            # One word that only English has, or two of those that it shares, are enough in plain letters.
            words = set(text.lower().split())
            if not words.isdisjoint(word_list.english) or len(words & word_list.shared) > 1:
                return text
        ranked = py3langid.rank(text)
        own_score = next((score for name, score in ranked if name == code), None)
        if own_score is None or ranked[0][1] - own_score > MARGIN:
            return None
        return text

    return judge
