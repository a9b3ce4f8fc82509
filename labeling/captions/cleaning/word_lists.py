"""The word lists of the rules (data/words.toml), one class for each rule, and the words that may have a capital."""

import unicodedata
from dataclasses import astuple, dataclass
from functools import cache

from pydantic import ConfigDict

from noise2music.core.data_files import Words, WordSet, read_toml
from noise2music.labeling.captions.builtin.tags import tags_by_category


@dataclass(frozen=True)
class ProperWords:
    """Words with a capital that name no person: peoples and places of styles, instruments by their makers, feasts, terms."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    peoples: Words
    places: Words
    makers: Words
    times: Words
    terms: Words


@dataclass(frozen=True)
class LexiconWords:
    """Words of the lexicon besides the built-in tags, and (not_) tags that mean something else in a sentence."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    instruments: WordSet
    genres: WordSet
    moods: WordSet
    tempo: WordSet
    vocals: WordSet
    not_instruments: WordSet
    not_genres: WordSet
    not_moods: WordSet
    not_vocals: WordSet


@dataclass(frozen=True)
class ShapeWords:
    """hanging: words that end no sentence. hanging_without_stop: words that end none without a full stop. vague: praise. function: function
    words. subjects: "song", "track".
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    hanging: WordSet
    hanging_without_stop: WordSet
    subjects: WordSet
    vague: WordSet
    function: WordSet


@dataclass(frozen=True)
class NameWords:
    """group_words: parts of many artists' names. owners: common words that take "'s" at the start of a sentence without an article.
    first_names: names that look like words for a people. links: small words inside a title that may be a chance phrase.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    group_words: WordSet
    owners: WordSet
    first_names: WordSet
    links: WordSet


@dataclass(frozen=True)
class DescribesMusicWords:
    """says_nothing: words that give no hint whether a sentence describes music."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    says_nothing: WordSet


@dataclass(frozen=True)
class ContradictionWords:
    """instrumental: tags that mean that nobody sings."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    instrumental: WordSet


@dataclass(frozen=True)
class LanguageWords:
    """Words that only English has, and words that it shares with others."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    english: WordSet
    shared: WordSet


@dataclass(frozen=True)
class WordLists:
    """All of the file."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    proper_words: ProperWords
    lexicon: LexiconWords
    shape: ShapeWords
    names: NameWords
    describes_music: DescribesMusicWords
    contradiction: ContradictionWords
    language: LanguageWords


@cache
def word_lists() -> WordLists:
    """The words, read once a process. Raises UserError, which names the entry, where the file is damaged."""
    return read_toml(__package__, "words.toml", WordLists)


def fold(word: str) -> str:
    """Lower case without accents and with plain apostrophes: "Beyoncé" and "beyonce" are one name."""
    marks = unicodedata.normalize("NFKD", word.casefold()).replace("’", "'")
    return "".join(mark for mark in marks if not unicodedata.combining(mark))


@cache
def allowed_words() -> frozenset[str]:
    """Folded, with the words of the built-in vocabulary. With a capital they name a style, an instrument or a time, and no person."""
    lists = (*astuple(word_lists().proper_words), *tags_by_category().values())
    return frozenset(fold(word) for names in lists for name in names for word in (name, *name.replace("-", " ").split()))
