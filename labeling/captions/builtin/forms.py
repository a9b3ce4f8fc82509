"""Sentence forms, and which words fit together (data/forms.toml, which explains the fields of a form).

Styles (data/styles.toml) name the instruments, voices and characters of a genre, so that no sentence puts a banjo into techno.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from pydantic import ConfigDict

from noise2music.core.data_files import Words, WordSet, read_toml
from noise2music.labeling.captions.builtin.characters import Character, expanded


@dataclass(frozen=True)
class Style:
    """One family of genres.

    genres: names that fit "a ... piece". lead: carries a melody. chords: accompanies. bass, beat: empty where the style has none.
    voices: singers and choirs, singular. characters: keys of `characters`.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    genres: Words
    lead: Words
    chords: Words
    bass: Words
    beat: Words
    voices: Words
    characters: Words


@cache
def styles() -> Mapping[str, Style]:
    """All styles of the grammar by name (data/styles.toml)."""
    return read_toml(__package__, "styles.toml", dict[str, Style])


@dataclass(frozen=True)
class Pulse:
    """The tempo that a style keeps: adjectives, and the range of beats a minute, both ends included."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    pace: Words
    bpm: tuple[int, int]


@dataclass(frozen=True)
class _Unfit:
    __pydantic_config__ = ConfigDict(extra="forbid")

    characters: WordSet
    words: WordSet


@dataclass(frozen=True)
class _Productions:
    __pydantic_config__ = ConfigDict(extra="forbid")

    any: Words
    electronic: Words
    acoustic: Words


@dataclass(frozen=True)
class _Styles:
    __pydantic_config__ = ConfigDict(extra="forbid")

    formal: WordSet
    old: WordSet
    drummed: WordSet
    electronic: WordSet


@dataclass(frozen=True)
class _File:
    __pydantic_config__ = ConfigDict(extra="forbid")

    forms: tuple[str, ...]
    modern_scenes: WordSet
    unfit: tuple[_Unfit, ...]
    productions: _Productions
    styles: _Styles
    characters_of_genres: dict[str, Words]
    pulses: dict[str, Pulse]


@cache
def _file() -> _File:
    return read_toml(__package__, "forms.toml", _File)


def forms() -> tuple[str, ...]:
    """The templates that a sentence is made from."""
    return _file().forms


@cache
def pulses() -> Mapping[str, Pulse]:
    """Styles that keep their own tempo whatever the character."""
    return {name: replace(pulse, pace=expanded(pulse.pace)) for name, pulse in _file().pulses.items()}


def fitting_characters(style_name: str, genre: str) -> tuple[str, ...]:
    """The characters that a genre can have."""
    characters = styles()[style_name].characters
    return tuple(name for name in characters if name in _file().characters_of_genres.get(genre, characters)) or characters


def suits(name: str, character_name: str) -> bool:
    """Whether an instrument or a voice fits a character: no screaming in a lullaby, no brushes in a workout."""
    words = set(name.split())
    return not any(character_name in unfit.characters and words & unfit.words for unfit in _file().unfit)


def pieces(style_name: str, sung: bool) -> tuple[str, ...]:
    """Nouns for one piece of music in a style, with or without singing."""
    if style_name in _file().styles.formal:
        return ("piece", "piece", "composition", "recording", "track")
    return ("song", "track", "tune") if sung else ("piece", "track", "tune")


def scenes(style_name: str, character: Character) -> tuple[str, ...]:
    """Occasions that the music suits: no string quartet at a street race."""
    file = _file()
    if style_name in file.styles.old:
        return tuple(scene for scene in character.scenes if scene not in file.modern_scenes)
    return character.scenes


def drumless(style_name: str) -> bool:
    """Whether a piece of this style may have no drums."""
    return style_name not in _file().styles.drummed


@cache
def productions(style_name: str) -> tuple[str, ...]:
    """Adjectives of the sound that fit a style."""
    file = _file()
    own = file.productions.electronic if style_name in file.styles.electronic else file.productions.acoustic
    return file.productions.any + own
