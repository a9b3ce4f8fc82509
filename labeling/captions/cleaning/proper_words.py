"""Words with a capital that name no person: peoples and places of styles, genres, instruments by their makers, feasts."""

import unicodedata
from dataclasses import astuple
from functools import cache

from noise2music.labeling.captions.builtin.tags import tags_by_category
from noise2music.labeling.captions.cleaning.word_lists import word_lists


def fold(word: str) -> str:
    """Lower case without accents and with plain apostrophes: "Beyoncé" and "beyonce" are one name."""
    marks = unicodedata.normalize("NFKD", word.casefold()).replace("’", "'")
    return "".join(mark for mark in marks if not unicodedata.combining(mark))


@cache
def allowed_words() -> frozenset[str]:
    """Folded, with the words of the built-in vocabulary. With a capital they name a style, an instrument or a time, and no person."""
    lists = (*astuple(word_lists().proper_words), *tags_by_category().values())
    return frozenset(fold(word) for names in lists for name in names for word in (name, *name.replace("-", " ").split()))
