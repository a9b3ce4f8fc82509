"""What a sentence names: instruments, genres, moods, tempo, voices. Whole words, in any number, whatever their case."""

import re
from collections.abc import Iterable, Mapping
from typing import Literal, get_args

from labeling.builtin.lists import comma_list
from labeling.builtin.tags import LISTS

Kind = Literal["instrument", "genre", "mood", "tempo", "vocal"]
KINDS: tuple[Kind, ...] = get_args(Kind)

_INSTRUMENTS = comma_list(
    "drum, drumming, percussion, hi hat, cymbal, snare, kick, keyboard, sax, 808, string, horn, synthesiser, pad, beat machine"
)
_TEMPO = comma_list(
    "slow, slowly, fast, quick, brisk, moderate tempo, medium tempo, mid-tempo, midtempo, up-tempo, uptempo, down-tempo, downtempo, tempo, "
    "upbeat, bpm, beats per minute, unhurried, fast-paced, slow-paced"
)
_VOCALS = comma_list(
    "vocal, vocalist, voice, singer, singing, sing, sings, sung, rap, rapper, rapping, choir, chant, falsetto, a cappella, acapella, "
    "instrumental, harmonised vocals, croon, hum, humming, spoken word"
)
_NOT_INSTRUMENTS = frozenset(
    comma_list("triangle, bass drop, no other instruments, solo instrument, unaccompanied instrument, drumless, sampler")
)
_NOT_GENRES = frozenset(
    comma_list("dance, acoustic, western, circus music, retro, vintage, industrial, alternative, soul, experimental, minimalism")
)
_NOT_MOODS = frozenset(comma_list("soft, loud, bright, raw, cold, quiet, mechanical, urban, fun, bold, wild, retro feel, smooth, noble"))


def _pattern(words: Iterable[str]) -> re.Pattern[str]:
    plural = sorted({word.lower().removesuffix("s") for word in words if not word.startswith("no ")}, key=lambda word: (-len(word), word))
    spellings = "|".join(re.escape(word).replace(r"\ ", "[ -]").replace(r"\-", "[ -]?") for word in plural)
    return re.compile(rf"(?<![\w-])(?:{spellings})(?:e?s)?(?![\w])", re.IGNORECASE)


LEXICON: Mapping[Kind, re.Pattern[str]] = {
    "instrument": _pattern({*LISTS["instrument"], *_INSTRUMENTS} - _NOT_INSTRUMENTS),
    "genre": _pattern(set(LISTS["genre"]) - _NOT_GENRES),
    "mood": _pattern(set(LISTS["mood"]) - _NOT_MOODS),
    "tempo": _pattern(_TEMPO),
    "vocal": _pattern(_VOCALS),
}


def named(kind: Kind, text: str) -> set[str]:
    """The instruments, genres, ... that a text names, in lower case as they stand there."""
    return {found.lower() for found in LEXICON[kind].findall(text)}
