"""Frequency modulation after Chowning (1973): electric piano, glassy bells, rubber bass."""

import math
from dataclasses import dataclass

import numpy as np

from labeling.render.envelopes import Envelope, contour
from labeling.render.oscillators import Float32s, bent, exact, phases, pitch_hertz, read, sine_table
from labeling.render.playing import APART, Vibrato, mixed, scaled, swing, swung_phases


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
