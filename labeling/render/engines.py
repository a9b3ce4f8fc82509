"""The four ways of making a note, behind one function. Every engine is a frozen value; levels are about 1 at the peak."""

from labeling.render.additive import Additive, additive_note
from labeling.render.modal import Modal, modal_note
from labeling.render.modulated import Fm, fm_note
from labeling.render.oscillators import Float32s
from labeling.render.strings import Pluck, plucked_note

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
