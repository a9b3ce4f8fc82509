"""How loud a note is over time. Envelopes are computed every 16 samples and joined by straight lines."""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from noise2music.synth.oscillators import Float32s, Float64s, Uint32s, bent, exact, halving, phases, read, sine_table

STEP = 16
_LINE = (np.arange(STEP, dtype=np.float64) / STEP).reshape(1, STEP)


@dataclass(frozen=True)
class Envelope:
    """Rises in `attack` seconds, falls by half every `half_life` seconds towards `sustain`, fades in `release` seconds after the note."""

    attack: float = 0.004
    half_life: float = 0.5
    sustain: float = 0.0
    release: float = 0.12


def control_points(samples: int) -> int:
    """How many control values cover `samples`."""
    return (samples + STEP - 1) // STEP + 1


def joined(points: Float64s, samples: int) -> Float64s:
    """Control values (`control_points(samples)`,) -> (samples,), straight lines between them."""
    lines = points[:-1, None] + (points[1:] - points[:-1])[:, None] * _LINE
    return lines.reshape(-1)[:samples]


@lru_cache(maxsize=512)
def contour(envelope: Envelope, held: int, sample_rate: int) -> Float32s:
    """A note held for `held` samples -> its loudness (0..1) until the release has ended; the last value is next to nothing."""
    samples = held + tail(envelope, sample_rate)
    steps = np.arange(control_points(samples), dtype=np.float64) * STEP
    rise = np.minimum(steps / max(1.0, envelope.attack * sample_rate), 1.0)
    decay = np.cumprod(np.full(len(steps), halving(envelope.half_life, sample_rate / STEP)))
    fall = np.minimum(np.maximum((samples - steps) / (samples - held), 0.0), 1.0)
    level = rise * (envelope.sustain + (1.0 - envelope.sustain) * decay) * (fall * fall)
    shape = joined(level, samples).astype(np.float32)
    shape.setflags(write=False)
    return shape


def tail(envelope: Envelope, sample_rate: int) -> int:
    """Samples that a note sounds after it was let go."""
    return max(STEP, int(envelope.release * sample_rate))


# What the engines share: vibrato, notes that die sooner when they are high, sums of sounds.


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
