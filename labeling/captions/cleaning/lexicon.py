"""Finds the instruments, genres, moods, tempi and voices that a sentence names. Whole words, any case, singular or plural; a hyphen
separates words.

Absence counts too: "no drums" names drums, "instrumental" names voices.
"""

import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Literal, get_args

from noise2music.labeling.captions.builtin.tags import tags_by_category
from noise2music.labeling.captions.cleaning.word_lists import word_lists

Kind = Literal["instrument", "genre", "mood", "tempo", "vocal"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_SOUNDS = (
    "sound|noise|synth|pad|bass|piano|organ|guitar|keyboard|drum|percussi|beat|kick|tambourine|instrument|arrangement|effect|device|element"
)
_PLACES = "room|crowd|street|nature|chatter|light|bird|water|wind"
_NOT_AFTER: Mapping[str, str] = {"horn": "car ", "opera": "soap ", "house": "coffee |tea |haunted |the |your "}
_NOT_BEFORE: Mapping[str, str] = {
    "electronic": rf" (?:\w+ )?(?:{_SOUNDS})",
    "ambient": rf" (?:\w+ )?(?:{_SOUNDS}|{_PLACES})",
    "bass": "[ -](?:singer|voice|vocal)",
    "country": r" (?:of|side|having|where)\b",
    "house": " part(?:y|ies)",
    "kick": r" (?:in|off)\b",
    "soprano": " (?:sax|recorder)",
    "tenor": " sax",
    "trance": "[ -](?:like|induc)",
}


def _spelling(word: str, ending: str) -> str:
    """A word with its endings, except where its neighbours give it another meaning: soap opera, "kicks in"."""
    before = "".join(f"(?<!{words})" for words in _NOT_AFTER[word].split("|")) if word in _NOT_AFTER else ""
    after = f"(?!{_NOT_BEFORE[word]})" if word in _NOT_BEFORE else ""
    spaced = r"\d*bpm" if word == "bpm" else re.escape(word).replace(r"\ ", "[ -]").replace(r"\-", "[ -]?")
    return f"{before}{spaced}{ending}{after}"


def _pattern(words: Iterable[str], plural: bool = False) -> re.Pattern[str]:
    """The longest spelling first, so that a bass guitar is not a bass. plural: every word in singular and plural."""
    spellings = {word for word in words if not word.startswith("no ")}
    if plural:
        spellings |= {word[:-1] for word in spellings if word.endswith("s") and not word.endswith("ss")}
    ending = "(?:e?s)?" if plural else ""
    pattern = "|".join(_spelling(word, ending) for word in sorted(spellings, key=lambda word: (-len(word), word)))
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)", re.IGNORECASE)


@cache
def lexicon() -> Mapping[Kind, re.Pattern[str]]:
    """Finds what a text names, by kind."""
    tags, words = tags_by_category(), word_lists().lexicon
    return {
        "instrument": _pattern(words.instruments.union(tags["instrument"]) - words.not_instruments, plural=True),
        "genre": _pattern(words.genres.union(tags["genre"]) - words.not_genres),
        "mood": _pattern(words.moods.union(tags["mood"]) - words.not_moods),
        "tempo": _pattern(words.tempo),
        "vocal": _pattern(words.vocals.union(tags["voice"]) - words.not_vocals, plural=True),
    }


def named(kind: Kind, text: str) -> set[str]:
    """The instruments, genres, ... that a text names, in lower case as they stand there."""
    return {match.group().lower() for match in lexicon()[kind].finditer(text)}
