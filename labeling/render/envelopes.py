"""How loud a note is over time. Envelopes are computed every 16 samples and joined by straight lines."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from labeling.render.oscillators import Float32s, Float64s, halving

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
