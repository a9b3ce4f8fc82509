"""The four ways of making a note, behind one function. Every engine is a frozen value; levels are about 1 at the peak."""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from noise2music.core.ids import hash_uniform
from noise2music.synth.additive import Additive, additive_note
from noise2music.synth.note_shape import APART, Envelope, Vibrato, contour, mixed, scaled, swing, swung_phases
from noise2music.synth.oscillators import CYCLE, Float32s, bent, exact, halving, noise, phases, pitch_hertz, ramp, read, sine_table

# Struck bodies, whose partials need not be harmonic: marimba, bells.


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


def modal_note(engine: Modal, pitch: int, cents: float, held: int, velocity: float, sample_rate: int) -> Float32s:
    """One note of MIDI `pitch`, `cents` beside it, `held` samples long before its release: (samples,), velocity in (0, 1]."""
    parts = []
    for place, mode in enumerate(engine.modes):
        hertz = pitch_hertz(pitch, cents) * mode.ratio
        if hertz > 0.45 * sample_rate:
            continue
        shape = contour(scaled(Envelope(engine.attack, mode.half_life, 0.0, engine.release), pitch), held, sample_rate)
        colour = velocity if place else 1.0
        tone = read(sine_table(), phases(hertz, len(shape), sample_rate, place * APART))
        parts.append(tone * shape * np.float32(mode.amplitude * colour))
    if engine.knock:
        shape = contour(Envelope(0.0005, 0.006, 0.0, 0.02), int(0.03 * sample_rate), sample_rate)
        parts.append(noise(1 << 14, 12)[: len(shape)] * shape * np.float32(engine.knock * velocity))
    return mixed(parts) * np.float32(velocity)


# Frequency modulation after Chowning (1973): electric piano, glassy bells, rubber bass.


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


def fm_note(engine: Fm, pitch: int, cents: float, held: int, velocity: float, sample_rate: int) -> Float32s:
    """One note of MIDI `pitch`, `cents` beside it, `held` samples long before its release: (samples,), velocity in (0, 1]."""
    parts = []
    for operator in engine.operators:
        shape = contour(scaled(operator.envelope, pitch), held, sample_rate)
        fading = contour(Envelope(0.0, operator.index_half_life, 0.0, 1.0), len(shape), sample_rate)[: len(shape)].astype(np.float64)
        # Fewer side bands for high notes, or they would pass half the sample rate.
        room = min(1.0, 4000.0 / (pitch_hertz(pitch) * max(1.0, operator.modulator)))
        index = operator.index_floor + (operator.index - operator.index_floor) * fading
        index *= exact(room * (0.4 + 0.6 * velocity) / (2.0 * math.pi))
        for place, detuned in enumerate(engine.voices):
            hertz = pitch_hertz(pitch, cents + detuned)
            shift = swing(engine.vibrato, hertz, len(shape), sample_rate)
            # Carrier and modulator start together: a side band at 0 Hz would otherwise be a constant.
            start = place * APART
            side = read(sine_table(), phases(hertz * operator.modulator, len(shape), sample_rate, int(start * operator.modulator)))
            carrier = bent(swung_phases(hertz * operator.ratio, len(shape), sample_rate, start, shift), side.astype(np.float64) * index)
            gain = operator.level / math.sqrt(len(engine.voices))
            parts.append(read(sine_table(), carrier) * shape * np.float32(gain))
    return mixed(parts) * np.float32(velocity)


# Plucked strings after Karplus and Strong (1983): a cycle of noise that goes round a delay line and loses treble with each round.
# The loop filter here is symmetric, (d, 1 - 2d, d), so it delays by whole samples and the period is exact; each row is one round,
# made of the row before. Reading the rows at any speed gives any pitch, without the tuning error of a delay line of whole samples.


STRING_ZONE = 6
MOST_ROUNDS = 1200


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


@lru_cache(maxsize=96)
def string_rounds(slope: float, position: float, half_life: float, damping: float, zone: int, course: int) -> Float32s:
    """(rounds, points) of a string for one zone of 6 semitones; the pitches of a zone share it, each at its own speed.

    `half_life`: seconds at pitch 60, shorter above. `damping` 0..0.25: the loop filter's d at pitch 60.
    `course` tells apart strings that are plucked as one.
    """
    hertz, top = pitch_hertz(zone * STRING_ZONE + 3), pitch_hertz(zone * STRING_ZONE + STRING_ZONE)
    points = 256 if zone < 11 else 128
    harmonics = max(1, min(points // 4, int(10800.0 / top)))
    sine = sine_table()
    steps = np.arange(points, dtype=np.int64) * (len(sine) // points)
    cycle = np.zeros(points, np.float32)
    draws = [float(draw) for draw in hash_uniform(course, np.arange(2 * harmonics, dtype=np.uint64))]
    energy = 0.0
    for harmonic in range(1, harmonics + 1):
        comb = 0.15 + abs(math.sin(math.pi * harmonic * position))
        amplitude = exact(math.pow(harmonic, -slope) * comb * (0.7 + 0.6 * draws[harmonic - 1]))
        offset = int(draws[harmonics + harmonic - 1] * len(sine))
        cycle += sine[(steps * harmonic + offset) % len(sine)] * np.float32(amplitude)
        energy += amplitude * amplitude
    cycle *= np.float32(exact(1.0 / math.sqrt(energy)))

    higher = exact(math.pow(2.0, (zone * STRING_ZONE + 3 - 60) / 20.0))
    loss = halving(half_life / higher, hertz)
    side = min(0.25, exact(damping * higher * 261.6 / hertz))
    rounds = np.empty((min(MOST_ROUNDS, int(4.0 * hertz)), points), np.float32)
    rounds[0] = cycle
    around = np.empty(points + 2, np.float32)
    keep, leak = np.float32(loss * (1.0 - 2.0 * side)), np.float32(loss * side)
    for before, after in pairwise(rounds):
        around[1:-1] = before
        around[0], around[-1] = before[-1], before[0]
        np.add(around[:-2], around[2:], out=after)
        after *= leak
        after += before * keep
    left = np.arange(len(rounds), 0, -1, dtype=np.float32)
    rounds *= np.minimum((left - 1) / np.float32(0.2 * len(rounds)), np.float32(1.0))[:, None]
    rounds.setflags(write=False)
    return rounds


def plucked_note(engine: Pluck, pitch: int, cents: float, held: int, velocity: float, sample_rate: int) -> Float32s:
    """One note of MIDI `pitch`, `cents` beside it, `held` samples long before its release: (samples,), velocity in (0, 1]."""
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
    return mixed(parts) * np.float32(velocity)


Engine = Additive | Modal | Fm | Pluck


def sound(engine: Engine, pitch: int, cents: float, held: int, velocity: float, sample_rate: int) -> Float32s:
    """One note -> samples. `held` samples until it is let go, `velocity` 0..1 changes loudness and colour, `cents` the tuning."""
    match engine:
        case Additive():
            return additive_note(engine, pitch, cents, held, velocity, sample_rate)
        case Modal():
            return modal_note(engine, pitch, cents, held, velocity, sample_rate)
        case Fm():
            return fm_note(engine, pitch, cents, held, velocity, sample_rate)
        case Pluck():
            return plucked_note(engine, pitch, cents, held, velocity, sample_rate)
