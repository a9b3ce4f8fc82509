"""What makes a genre here: tempo, metre, instruments by role, how they accompany, drum grooves (data/genres.toml)."""

from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ConfigDict

from noise2music.core.data_files import Choices, Words, checked, read_toml

_FILE = "genres.toml"


@dataclass(frozen=True)
class Genre:
    """One genre. Chances: `minor`, `drums`, `triple` (three-four time), `swing`, `solo`. Roles list instruments by name.

    `push` is how lively it feels beyond its tempo (in bpm); `moods` are words that fit the genre whatever the key and tempo.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    bpm: tuple[int, int]
    minor: float
    drums: float
    leads: Words
    chords: Words
    comping: Choices
    basses: Words = ()
    bass_lines: Choices = ("root",)
    pads: Words = ()
    grooves: Words = ()
    kits: Words = ("studio",)
    triple: float = 0.0
    swing: float = 0.0
    sevenths: bool = False
    solo: float = 0.0
    push: int = 0
    moods: Words = ()


@cache
def genres() -> tuple[Genre, ...]:
    """The genres that are composed. Raises UserError, which names the entry, where the file is damaged."""
    rows = read_toml(__package__, _FILE, dict[str, dict[str, Any]])
    return tuple(checked(__package__, _FILE, {"name": name, **row}, Genre, name) for name, row in rows.items())
