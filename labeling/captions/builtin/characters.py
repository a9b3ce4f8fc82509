"""Characters: moods with the tempi, touches and places that suit them (data/characters.toml).

A sentence takes all its words from one character, so "calm" never stands beside "frantic", nor "slow" beside "fast".
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from pydantic import ConfigDict

from noise2music.core.data_files import Words, read_toml
from noise2music.core.errors import UserError

Pace = Literal["slow", "medium", "fast"]


@dataclass(frozen=True)
class Character:
    """Words that agree with each other.

    pace: adjectives of tempo. bpm: range of beats a minute, both ends included. touch: adjectives of an instrument's sound.
    line: adjectives of what is played. drumming: of a beat. singing: of a voice. scenes: what the music suits, after "for".
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    moods: Words
    pace: Words
    bpm: tuple[int, int]
    touch: Words
    line: Words
    drumming: Words
    singing: Words
    scenes: Words


@dataclass(frozen=True)
class _File:
    __pydantic_config__ = ConfigDict(extra="forbid")

    paces: dict[Pace, Words]
    characters: dict[str, Character]


@cache
def _file() -> _File:
    return read_toml(__package__, "characters.toml", _File)


def paces() -> Mapping[Pace, tuple[str, ...]]:
    """The adjectives of tempo that are slow, medium and fast."""
    return _file().paces


@cache
def characters() -> Mapping[str, Character]:
    """All characters by name."""
    return {name: replace(character, pace=expanded(character.pace)) for name, character in _file().characters.items()}


def expanded(words: tuple[str, ...]) -> tuple[str, ...]:
    """Adjectives of tempo, with those of `paces` for "<slow>", "<medium>" and "<fast>". Raises UserError for any other such name."""
    by_name = {f"<{name}>": adjectives for name, adjectives in paces().items()}
    if unknown := [word for word in words if word.startswith("<") and word not in by_name]:
        raise UserError(f"{__package__}, data/characters.toml: paces: there is no {unknown[0]}, only {', '.join(by_name)}")
    return tuple(adjective for word in words for adjective in by_name.get(word, (word,)))
