"""Struck bodies, whose partials need not be harmonic: marimba, bells."""

from dataclasses import dataclass

import numpy as np

from labeling.render.envelopes import Envelope, contour
from labeling.render.oscillators import Float32s, noise, phases, pitch_hertz, read, sine_table
from labeling.render.playing import APART, mixed, scaled


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
