"""What the engines share: vibrato, notes that die sooner when they are high, sums of sounds."""

import math
from dataclasses import dataclass

import numpy as np

from labeling.render.envelopes import STEP, Envelope, control_points, joined
from labeling.render.oscillators import Float32s, Float64s, Uint32s, bent, exact, phases, read, sine_table

APART = 1640531527
"""Phase between voices and partials that start together, so that they do not peak together."""


@dataclass(frozen=True)
class Vibrato:
    """Pitch that swings by `cents` at `hertz`, faded in over `onset` seconds."""

    cents: float
    hertz: float
    onset: float = 0.3


def mixed(parts: list[Float32s]) -> Float32s:
    """The sum of sounds that start together."""
    longest = max(parts, key=len)
    total = np.zeros(len(longest), np.float32)
    for part in parts:
        total[: len(part)] += part
    return total


def scaled(envelope: Envelope, pitch: int) -> Envelope:
    """High notes die sooner: half-lives halve every 20 semitones."""
    if envelope.sustain >= 1.0:
        return envelope
    faster = exact(math.pow(2.0, (60 - pitch) / 20.0))
    return Envelope(envelope.attack, envelope.half_life * faster, envelope.sustain, envelope.release)


def swing(vibrato: Vibrato | None, hertz: float, samples: int, sample_rate: int) -> Float64s | None:
    """The vibrato's shift of the phase in cycles (samples,), None without one."""
    if vibrato is None:
        return None
    # A swing of the frequency by f * cents is a swing of the phase by that over 2 pi times the vibrato's own rate.
    cycles = exact(hertz * (math.pow(2.0, vibrato.cents / 1200.0) - 1.0) / (2.0 * math.pi * vibrato.hertz))
    steps = np.arange(control_points(samples), dtype=np.float64)
    faded = np.minimum(steps * STEP / (vibrato.onset * sample_rate), 1.0)
    lfo = read(sine_table(), phases(vibrato.hertz * STEP, len(steps), sample_rate)).astype(np.float64)
    return joined(lfo * faded * cycles, samples)


def swung_phases(hertz: float, samples: int, sample_rate: int, start: int, shift: Float64s | None) -> Uint32s:
    """Phases of a tone, with the vibrato's shift."""
    steady = phases(hertz, samples, sample_rate, start)
    return steady if shift is None else bent(steady, shift[:samples])
