"""Plucked strings after Karplus and Strong (1983): a cycle of noise that goes round a delay line and loses treble with each round.

The loop filter here is symmetric, (d, 1 - 2d, d), so it delays by whole samples and the period is exact; each row is one round, made of the
row before. Reading the rows at any speed gives any pitch, without the tuning error of a delay line of whole samples.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from labeling.ids import hash_uniform
from labeling.render.envelopes import Envelope, contour
from labeling.render.oscillators import CYCLE, Float32s, exact, halving, pitch_hertz, ramp, sine_table
from labeling.render.playing import mixed

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
