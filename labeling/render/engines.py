"""The four ways of making a note: bands of harmonics, single modes, frequency modulation, plucked strings.

Every engine is a frozen value, and `sound` turns it into samples. Levels are about unit energy at full loudness.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from labeling.render.envelopes import STEP, Envelope, contour, control_points, joined
from labeling.render.oscillators import (
    CYCLE,
    Float32s,
    Float64s,
    Uint32s,
    bent,
    exact,
    harmonic_table,
    noise,
    phases,
    pitch_hertz,
    ramp,
    read,
    sine_table,
)
from labeling.render.strings import STRING_ZONE, string_rounds

ZONE = 4


@dataclass(frozen=True)
class Formant:
    """A resonance that does not move with the pitch: centre and width in Hz, gain above 1 at the centre."""

    hertz: float
    width: float
    gain: float


@dataclass(frozen=True)
class Band:
    """Harmonics `first`..`last` (`stride` apart) with amplitude h**-slope, sharing one envelope.

    `even` scales even harmonics; `bite` 0..1 is the share of the level that depends on velocity beyond loudness.
    """

    first: int
    last: int
    slope: float
    level: float
    envelope: Envelope
    even: float = 1.0
    stride: int = 1
    bite: float = 0.0


@dataclass(frozen=True)
class Vibrato:
    """Pitch that swings by `cents` at `hertz`, faded in over `onset` seconds."""

    cents: float
    hertz: float
    onset: float = 0.3


@dataclass(frozen=True)
class Additive:
    """Sums of harmonics in bands. `voices`: detunings in cents of players in unison; `breath` is noise."""

    bands: tuple[Band, ...]
    formants: tuple[Formant, ...] = ()
    voices: tuple[float, ...] = (0.0,)
    vibrato: Vibrato | None = None
    breath: float = 0.0


@dataclass(frozen=True)
class Mode:
    """One partial of a struck body: frequency ratio, amplitude, half-life in seconds at pitch 60."""

    ratio: float
    amplitude: float
    half_life: float


@dataclass(frozen=True)
class Modal:
    """A struck body: partials that need not be harmonic; `knock` is the noise of the mallet."""

    modes: tuple[Mode, ...]
    attack: float = 0.002
    release: float = 0.4
    knock: float = 0.0


@dataclass(frozen=True)
class Operator:
    """A carrier at `ratio` times the note, its phase modulated by a sine at `modulator` times the note.

    The modulation starts at `index` radians and halves every `index_half_life` seconds towards `index_floor`.
    """

    ratio: float
    modulator: float
    index: float
    index_half_life: float
    index_floor: float
    level: float
    envelope: Envelope


@dataclass(frozen=True)
class Fm:
    """Frequency modulation: a sum of operator pairs."""

    operators: tuple[Operator, ...]
    voices: tuple[float, ...] = (0.0,)
    vibrato: Vibrato | None = None


@dataclass(frozen=True)
class Pluck:
    """A Karplus-Strong string: excited with h**-slope at `position` of its length.

    It loses half its level in `half_life` seconds at pitch 60, its treble sooner by `damping`. `courses`: cents of strings struck as one.
    """

    slope: float
    position: float
    half_life: float
    damping: float
    release: float = 0.15
    courses: tuple[float, ...] = (0.0,)


Engine = Additive | Modal | Fm | Pluck


def sound(engine: Engine, pitch: int, cents: float, held: int, velocity: float, sample_rate: int) -> Float32s:
    """One note -> samples. `held` samples until it is let go, `velocity` 0..1 changes loudness and colour, `cents` the tuning."""
    match engine:
        case Additive():
            return _additive(engine, pitch, cents, held, velocity, sample_rate)
        case Modal():
            return _modal(engine, pitch, cents, held, velocity, sample_rate)
        case Fm():
            return _fm(engine, pitch, cents, held, velocity, sample_rate)
        case Pluck():
            return _pluck(engine, pitch, cents, held, velocity, sample_rate)


def _mixed(parts: list[Float32s]) -> Float32s:
    longest = max(parts, key=len)
    total = np.zeros(len(longest), np.float32)
    for part in parts:
        total[: len(part)] += part
    return total


def _swing(vibrato: Vibrato | None, hertz: float, samples: int, sample_rate: int) -> Float64s | None:
    if vibrato is None:
        return None
    # A swing of the frequency by f * cents is a swing of the phase by that over 2 pi times the vibrato's own rate.
    cycles = exact(hertz * (math.pow(2.0, vibrato.cents / 1200.0) - 1.0) / (2.0 * math.pi * vibrato.hertz))
    steps = np.arange(control_points(samples), dtype=np.float64)
    faded = np.minimum(steps * STEP / (vibrato.onset * sample_rate), 1.0)
    lfo = read(sine_table(), phases(vibrato.hertz * STEP, len(steps), sample_rate)).astype(np.float64)
    return joined(lfo * faded * cycles, samples)


def _phases(hertz: float, samples: int, sample_rate: int, start: int, swing: Float64s | None) -> Uint32s:
    steady = phases(hertz, samples, sample_rate, start)
    return steady if swing is None else bent(steady, swing[:samples])


@lru_cache(maxsize=1024)
def _band_table(band: Band, formants: tuple[Formant, ...], zone: int, sample_rate: int) -> Float32s:
    """The band's cycle for pitches of one zone, without harmonics above 0.45 of the rate at the zone's top."""
    centre, top = pitch_hertz(zone * ZONE + ZONE / 2), pitch_hertz(zone * ZONE + ZONE)
    partials = []
    for harmonic in range(band.first, band.last + 1, band.stride):
        if harmonic * top > 0.45 * sample_rate:
            break
        amplitude = math.pow(harmonic, -band.slope) * (band.even if harmonic % 2 == 0 else 1.0)
        resonance = 0.0
        for formant in formants:
            away = (harmonic * centre - formant.hertz) / formant.width
            resonance += formant.gain / (1.0 + away * away)
        partials.append((harmonic, band.level * amplitude * (resonance if formants else 1.0)))
    return harmonic_table(partials, band.first)


def _additive(engine: Additive, pitch: int, cents: float, held: int, velocity: float, sample_rate: int) -> Float32s:
    parts = []
    shapes = [contour(_scaled(band.envelope, pitch), held, sample_rate) for band in engine.bands]
    longest = max(len(shape) for shape in shapes)
    swing = _swing(engine.vibrato, pitch_hertz(pitch, cents), longest, sample_rate)
    voices = [
        _phases(pitch_hertz(pitch, cents + detuned), longest, sample_rate, place * 1640531527 + pitch * 40503, swing)
        for place, detuned in enumerate(engine.voices)
    ]
    for band, shape in zip(engine.bands, shapes, strict=True):
        table = _band_table(band, engine.formants, pitch // ZONE, sample_rate)
        wave = read(table, voices[0][: len(shape)])
        for voice in voices[1:]:
            wave = wave + read(table, voice[: len(shape)])
        gain = (1.0 - band.bite + band.bite * velocity) / math.sqrt(len(voices))
        parts.append(wave * shape * np.float32(gain))
    if engine.breath:
        shape = shapes[0]
        air = noise(1 << 18, 11)[: len(shape) + 2]
        parts.append((air[:-2] + air[1:-1] + air[2:])[: len(shape)] * shape * np.float32(engine.breath))
    return _mixed(parts) * np.float32(velocity)


def _scaled(envelope: Envelope, pitch: int) -> Envelope:
    """High notes die sooner: half-lives halve every 20 semitones."""
    if envelope.sustain >= 1.0:
        return envelope
    faster = exact(math.pow(2.0, (60 - pitch) / 20.0))
    return Envelope(envelope.attack, envelope.half_life * faster, envelope.sustain, envelope.release)


def _modal(engine: Modal, pitch: int, cents: float, held: int, velocity: float, sample_rate: int) -> Float32s:
    parts = []
    for place, mode in enumerate(engine.modes):
        hertz = pitch_hertz(pitch, cents) * mode.ratio
        if hertz > 0.45 * sample_rate:
            continue
        shape = contour(_scaled(Envelope(engine.attack, mode.half_life, 0.0, engine.release), pitch), held, sample_rate)
        colour = velocity if place else 1.0
        tone = read(sine_table(), phases(hertz, len(shape), sample_rate, place * 1640531527))
        parts.append(tone * shape * np.float32(mode.amplitude * colour))
    if engine.knock:
        shape = contour(Envelope(0.0005, 0.006, 0.0, 0.02), int(0.03 * sample_rate), sample_rate)
        parts.append(noise(1 << 14, 12)[: len(shape)] * shape * np.float32(engine.knock * velocity))
    return _mixed(parts) * np.float32(velocity)


def _fm(engine: Fm, pitch: int, cents: float, held: int, velocity: float, sample_rate: int) -> Float32s:
    parts = []
    for operator in engine.operators:
        shape = contour(_scaled(operator.envelope, pitch), held, sample_rate)
        fading = contour(Envelope(0.0, operator.index_half_life, 0.0, 1.0), len(shape), sample_rate)[: len(shape)].astype(np.float64)
        # Fewer side bands for high notes, or they would pass half the sample rate.
        room = min(1.0, 4000.0 / (pitch_hertz(pitch) * max(1.0, operator.modulator)))
        index = operator.index_floor + (operator.index - operator.index_floor) * fading
        index *= exact(room * (0.4 + 0.6 * velocity) / (2.0 * math.pi))
        for place, detuned in enumerate(engine.voices):
            hertz = pitch_hertz(pitch, cents + detuned)
            swing = _swing(engine.vibrato, hertz, len(shape), sample_rate)
            side = read(sine_table(), phases(hertz * operator.modulator, len(shape), sample_rate))
            start = place * 1640531527
            carrier = bent(_phases(hertz * operator.ratio, len(shape), sample_rate, start, swing), side.astype(np.float64) * index)
            gain = operator.level / math.sqrt(len(engine.voices))
            parts.append(read(sine_table(), carrier) * shape * np.float32(gain))
    return _mixed(parts) * np.float32(velocity)


def _pluck(engine: Pluck, pitch: int, cents: float, held: int, velocity: float, sample_rate: int) -> Float32s:
    parts = []
    shape = contour(Envelope(0.0015, 1000.0, 1.0, engine.release), held, sample_rate)
    for course, detuned in enumerate(engine.courses):
        rounds = string_rounds(engine.slope, engine.position, engine.half_life, engine.damping, pitch // STRING_ZONE, course)
        points = rounds.reshape(-1)
        # Positions have 32 bits for the point and 32 below it: which round it is counts, because the string loses energy with each.
        step = math.floor(pitch_hertz(pitch, cents + detuned) * rounds.shape[1] / sample_rate * CYCLE + 0.5)
        position = ramp(len(shape)).astype(np.uint64) * np.uint64(step)
        point = np.minimum((position >> np.uint64(32)).astype(np.int64), len(points) - 2)
        between = ((position & np.uint64(0xFFFFFFFF)) >> np.uint64(8)).astype(np.float32) * np.float32(2.0**-24)
        low = points.take(point)
        wave = low + (points.take(point + 1) - low) * between
        parts.append(wave * shape * np.float32(1.0 / math.sqrt(len(engine.courses))))
    return _mixed(parts) * np.float32(velocity)
