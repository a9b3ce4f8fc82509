"""Drums: swept sines and shaped noise, the sets and the patterns that they play (data/drums.toml)."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Annotated, Any, Literal, get_args

import numpy as np
from pydantic import ConfigDict, Field

from noise2music.core.data_files import checked, read_toml
from noise2music.synth.chance import Chance
from noise2music.synth.note_shape import Envelope, contour, control_points, joined
from noise2music.synth.oscillators import CYCLE, Float32s, exact, halving, noise, phases, read, sine_table
from noise2music.synth.parts import TICKS, Stroke

_FILE = "drums.toml"

Drum = Literal["kick", "snare", "clap", "rim", "hat", "open hat", "ride", "crash", "low tom", "high tom", "shaker"]
STROKES: tuple[Drum, ...] = get_args(Drum)
STEP_TICKS = TICKS // 4
_LOUDNESS = {"X": 1.0, "x": 0.75, "o": 0.4}


@dataclass(frozen=True)
class Kit:
    """A drum set: `name` is what people call it. Frequencies in Hz, times in seconds."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    name: str
    preset: str
    kick: float
    kick_sweep: float
    kick_half_life: float
    snare: float
    snare_wires: float
    snare_half_life: float
    hat_half_life: float
    metal: float


@dataclass(frozen=True)
class _Drums:
    __pydantic_config__ = ConfigDict(extra="forbid")

    kits: dict[str, dict[str, Any]]
    grooves: dict[str, dict[Drum, Annotated[str, Field(pattern=r"^[Xxo.]+$")]]]


@cache
def _drums() -> _Drums:
    return read_toml(__package__, _FILE, _Drums)


@cache
def kits() -> tuple[Kit, ...]:
    """Every drum set. Raises UserError, which names the entry, where the file is damaged."""
    return tuple(checked(__package__, _FILE, {"preset": preset, **row}, Kit, f"kits.{preset}") for preset, row in _drums().kits.items())


def grooves() -> Mapping[str, Mapping[Drum, str]]:
    """Drum patterns of one bar by name, 4 steps a beat: X is loud, x is normal, o is soft."""
    return _drums().grooves


def groove_bar(name: str, beats: int, chance: Chance, fill: bool, opening: bool, hats_only: bool, energy: float) -> list[Stroke]:
    """One bar of drums from tick 0. `fill` ends it on toms, `opening` starts it with a crash, `hats_only` is an introduction."""
    pattern = grooves()["waltz" if beats == 3 else name]
    steps = beats * 4
    cut = steps - 4 if fill else steps
    loud = 0.75 + 0.25 * energy
    strokes = [
        Stroke(place * STEP_TICKS, drum, loud * _LOUDNESS[mark] * (0.92 + 0.08 * chance.uniform("hit", drum, place)))
        for drum, marks in pattern.items()
        for place, mark in enumerate(marks[:cut])
        if mark != "." and not (hats_only and drum in ("kick", "snare", "clap", "high tom"))
    ]
    if hats_only and not any(stroke.start == 0 for stroke in strokes):
        strokes.append(Stroke(0, "hat", loud * 0.7))
    if fill:
        drums = chance.pick(
            (
                ("snare", "snare", "high tom", "low tom"),
                ("high tom", "high tom", "low tom", "low tom"),
                ("snare", "snare", "snare", "snare"),
            )
        )
        strokes += [Stroke((cut + place) * STEP_TICKS, drum, loud * (0.65 + 0.1 * place)) for place, drum in enumerate(drums)]
        strokes.append(Stroke(cut * STEP_TICKS, "kick", 0.8 * loud))
    if opening:
        strokes.append(Stroke(0, "crash", 0.8 * loud))
    return strokes


@lru_cache(maxsize=128)
def stroke(kit: Kit, name: str, sample_rate: int) -> Float32s:
    """One stroke at full loudness -> samples (about 1 at the peak), read-only."""
    match name:
        case "kick":
            sound = _swept(kit.kick, kit.kick_sweep, 0.018, kit.kick_half_life, 0.55, sample_rate)
        case "low tom" | "high tom":
            sound = _swept(85.0 if name == "low tom" else 135.0, 0.9, 0.04, 0.09, 0.45, sample_rate) * np.float32(0.8)
        case "snare":
            body = _swept(kit.snare, 0.5, 0.02, 0.03, 0.3, sample_rate) * np.float32(0.6)
            wires = _hiss(1, kit.snare_half_life, 0.3, 21, sample_rate) * np.float32(kit.snare_wires)
            sound = body + wires[: len(body)]
        case "clap":
            sound = _clap(kit, sample_rate)
        case "rim":
            sound = _swept(820.0, 0.3, 0.004, 0.008, 0.08, sample_rate) * np.float32(0.6)
        case "hat":
            sound = _cymbal(kit, kit.hat_half_life, 0.09, 22, sample_rate)
        case "open hat":
            sound = _cymbal(kit, 8.0 * kit.hat_half_life, 0.4, 23, sample_rate)
        case "ride":
            sound = _cymbal(kit, 0.11, 0.6, 24, sample_rate) * np.float32(0.8)
        case "crash":
            sound = _cymbal(kit, 0.3, 1.6, 25, sample_rate)
        case "shaker":
            sound = _hiss(3, 0.02, 0.09, 26, sample_rate, 0.012) * np.float32(0.5)
        case _:
            raise ValueError(f"no stroke is called {name!r}; there are {', '.join(STROKES)}")
    sound.setflags(write=False)
    return sound


def _swept(hertz: float, sweep: float, sweep_half_life: float, half_life: float, seconds: float, sample_rate: int) -> Float32s:
    """A sine that starts `sweep` times its frequency too high and falls."""
    held = int(seconds * sample_rate * 0.7)
    shape = contour(Envelope(0.0012, half_life, 0.0, 0.3 * seconds), held, sample_rate)
    falling = np.cumprod(np.full(control_points(len(shape)), halving(sweep_half_life, sample_rate / 16)))
    steps = joined(1.0 + sweep * falling, len(shape)) * exact(hertz / sample_rate * CYCLE)
    phase = np.cumsum(steps.astype(np.uint64)).astype(np.uint32)
    return read(sine_table(), phase) * shape


def _hiss(order: int, half_life: float, seconds: float, salt: int, sample_rate: int, attack: float = 0.0008) -> Float32s:
    """Noise, differenced `order` times so that the lows go, at about unit level."""
    shape = contour(Envelope(attack, half_life, 0.0, 0.4 * seconds), int(0.6 * seconds * sample_rate), sample_rate)
    air = noise(1 << 17, salt)[: len(shape) + order]
    for _ in range(order):
        air = air[1:] - air[:-1]
    energy = math.comb(2 * order, order)
    return air * shape * np.float32(exact(1.0 / math.sqrt(energy)))


def _cymbal(kit: Kit, half_life: float, seconds: float, salt: int, sample_rate: int) -> Float32s:
    """High noise, and six inharmonic square waves as cheap drum machines have them."""
    hiss = _hiss(3, half_life, seconds, salt, sample_rate)
    ring = np.zeros(len(hiss), np.float32)
    for hertz in (2490.0, 3310.0, 4013.0, 4890.0, 6211.0, 7830.0):
        ring += read(sine_table(), phases(hertz, len(hiss), sample_rate))
    shape = contour(Envelope(0.0008, half_life, 0.0, 0.4 * seconds), int(0.6 * seconds * sample_rate), sample_rate)
    return hiss * np.float32(1.0 - 0.6 * kit.metal) + ring * shape * np.float32(0.22 * kit.metal)


def _clap(kit: Kit, sample_rate: int) -> Float32s:
    """Four hands a little apart."""
    hit = _hiss(1, 0.7 * kit.snare_half_life, 0.25, 27, sample_rate)
    gap = int(0.011 * sample_rate)
    sound = np.zeros(len(hit) + 3 * gap, np.float32)
    short = contour(Envelope(0.0008, 0.004, 0.0, 0.01), gap, sample_rate)
    for place in range(3):
        start = place * gap
        sound[start : start + len(short)] += noise(1 << 17, 27)[start : start + len(short)] * short * np.float32(0.7)
    sound[3 * gap :] += hit
    return sound
