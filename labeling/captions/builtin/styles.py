"""Styles: the instruments, voices and characters of a genre, so that no sentence puts a banjo into techno."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from pydantic import ConfigDict

from noise2music.core.data_files import Words, read_toml


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
