"""Harmonics in bands, each with its own envelope: piano, organ, strings, winds, synthesizers."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from noise2music.synth.note_shape import APART, Envelope, Vibrato, contour, mixed, scaled, swing, swung_phases
from noise2music.synth.oscillators import Float32s, exact, harmonic_table, noise, pitch_hertz, read

ZONE = 4


@dataclass(frozen=True)
class Formant:
    """A resonance that does not move with the pitch: centre and width in Hz, gain above 1 at the centre."""

    hertz: float
    width: float
    gain: float


@dataclass(frozen=True)
class Band:
    """Harmonics `first`..`last` with amplitude h**-slope, sharing one envelope.

    `even` scales even harmonics; `bite` 0..1 is the share of the level that depends on velocity beyond loudness.
    """

    first: int
    last: int
    slope: float
    level: float
    envelope: Envelope
    even: float = 1.0
    bite: float = 0.0


@dataclass(frozen=True)
class Additive:
    """Sums of harmonics in bands. `voices`: detunings in cents of players in unison; `breath` is noise."""

    bands: tuple[Band, ...]
    formants: tuple[Formant, ...] = ()
    voices: tuple[float, ...] = (0.0,)
    vibrato: Vibrato | None = None
    breath: float = 0.0


def _partials(band: Band, formants: tuple[Formant, ...], zone: int, sample_rate: int) -> list[tuple[int, float]]:
    """(harmonic, amplitude) for pitches of one zone, without harmonics above 0.45 of the rate at the zone's top."""
    centre, top = pitch_hertz(zone * ZONE + ZONE / 2), pitch_hertz(zone * ZONE + ZONE)
    partials = []
    for harmonic in range(band.first, band.last + 1):
        if harmonic * top > 0.45 * sample_rate:
            break
        amplitude = math.pow(harmonic, -band.slope) * (band.even if harmonic % 2 == 0 else 1.0)
        resonance = 0.0
        for formant in formants:
            away = (harmonic * centre - formant.hertz) / formant.width
            resonance += formant.gain / (1.0 + away * away)
        partials.append((harmonic, exact(band.level * amplitude * (resonance if formants else 1.0))))
    return partials


@lru_cache(maxsize=384)
def _tables(bands: tuple[Band, ...], formants: tuple[Formant, ...], zone: int, sample_rate: int) -> tuple[Float32s, ...]:
    """One cycle of each band for one zone of pitches. With formants, every zone is made equally loud: players see to that."""
    rows = [_partials(band, formants, zone, sample_rate) for band in bands]
    energy = sum(amplitude * amplitude for row in rows for _, amplitude in row)
    gain = exact(0.7 / math.sqrt(energy)) if formants else 1.0
    return tuple(
        harmonic_table([(harmonic, amplitude * gain) for harmonic, amplitude in row], band.first)
        for band, row in zip(bands, rows, strict=True)
    )


def additive_note(engine: Additive, pitch: int, cents: float, held: int, velocity: float, sample_rate: int) -> Float32s:
    """One note of MIDI `pitch`, `cents` beside it, `held` samples long before its release: (samples,), velocity in (0, 1]."""
    parts = []
    shapes = [contour(scaled(band.envelope, pitch), held, sample_rate) for band in engine.bands]
    longest = max(len(shape) for shape in shapes)
    shift = swing(engine.vibrato, pitch_hertz(pitch, cents), longest, sample_rate)
    voices = [
        swung_phases(pitch_hertz(pitch, cents + detuned), longest, sample_rate, place * APART + pitch * 40503, shift)
        for place, detuned in enumerate(engine.voices)
    ]
    tables = _tables(engine.bands, engine.formants, pitch // ZONE, sample_rate)
    for band, shape, table in zip(engine.bands, shapes, tables, strict=True):
        wave = read(table, voices[0][: len(shape)])
        for voice in voices[1:]:
            wave = wave + read(table, voice[: len(shape)])
        gain = (1.0 - band.bite + band.bite * velocity) / math.sqrt(len(voices))
        parts.append(wave * shape * np.float32(gain))
    if engine.breath:
        shape = shapes[0]
        air = noise(1 << 18, 11)[: len(shape) + 2]
        parts.append((air[:-2] + air[1:-1] + air[2:])[: len(shape)] * shape * np.float32(engine.breath))
    return mixed(parts) * np.float32(velocity)
