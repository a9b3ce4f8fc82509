"""Pitched instruments: a name, a range, a few presets (data/instruments.toml)."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from pydantic import ConfigDict, ValidationError, validate_call

from noise2music.core.data_files import Words, checked, entry_error, read_toml
from noise2music.core.errors import UserError
from noise2music.synth.engines import Engine
from noise2music.synth.recipes import RECIPES

_FILE = "instruments.toml"


@dataclass(frozen=True)
class Preset:
    """One make of an instrument. `drive` distorts the whole part, `tremolo` swings its loudness (Hz, depth 0..1)."""

    name: str
    engine: Engine
    drive: float = 0.0
    tremolo: tuple[float, float] | None = None


@dataclass(frozen=True)
class Timbre:
    """An instrument: `name` as people write it, the MIDI pitches it plays well, whether its notes last as long as they are held."""

    name: str
    low: int
    high: int
    holds: bool
    presets: tuple[Preset, ...]


@dataclass(frozen=True)
class _PresetEntry:
    """What a preset has besides the numbers of its recipe."""

    recipe: str
    drive: float = 0.0
    tremolo: tuple[float, float] | None = None


@dataclass(frozen=True)
class _Instrument:
    __pydantic_config__ = ConfigDict(extra="forbid")

    low: int
    high: int
    holds: bool
    presets: dict[str, dict[str, Any]]


@dataclass(frozen=True)
class _Instruments:
    __pydantic_config__ = ConfigDict(extra="forbid")

    soloists: Words
    instruments: dict[str, _Instrument]


@cache
def _instruments() -> _Instruments:
    return read_toml(__package__, _FILE, _Instruments)


@cache
def instruments() -> Mapping[str, Timbre]:
    """Every pitched instrument by name. Raises UserError, which names the entry, where the file is damaged."""
    return {
        name: Timbre(name, entry.low, entry.high, entry.holds, tuple(_preset(name, preset, row) for preset, row in entry.presets.items()))
        for name, entry in _instruments().instruments.items()
    }


def soloists() -> tuple[str, ...]:
    """Those on which one player has a tune and chords at once."""
    return _instruments().soloists


def _preset(instrument: str, name: str, row: Mapping[str, Any]) -> Preset:
    place = f"instruments.{instrument}.presets.{name}"
    own = {key: value for key, value in row.items() if key in _PresetEntry.__dataclass_fields__}
    entry = checked(__package__, _FILE, own, _PresetEntry, place)
    if entry.recipe not in RECIPES:
        raise UserError(f"{__package__}, data/{_FILE}: {place}.recipe: there is no {entry.recipe!r}, only {', '.join(RECIPES)}")
    numbers = {key: value for key, value in row.items() if key not in own}
    try:
        engine = validate_call(RECIPES[entry.recipe])(**numbers)
    except ValidationError as error:
        raise entry_error(__package__, _FILE, error, place) from error
    return Preset(name, engine, entry.drive, entry.tremolo)
