"""Guitars, harp, basses."""

from labeling.render.additive import Additive, Band
from labeling.render.engines import Engine
from labeling.render.envelopes import Envelope
from labeling.render.modulated import Fm, Operator
from labeling.render.strings import Pluck
from labeling.render.timbres import Preset, Timbre


def _synth_bass(slope: float, even: float, half_life: float, detuned: float) -> Engine:
    return Additive(
        (
            Band(1, 2, slope, 0.8, Envelope(0.004, 1.2, 0.6, 0.05), even),
            Band(3, 10, slope, 0.8, Envelope(0.003, half_life, 0.15, 0.05), even, bite=0.5),
            Band(11, 48, slope, 0.8, Envelope(0.002, 0.4 * half_life, 0.02, 0.04), even, bite=0.8),
        ),
        voices=(-detuned, detuned),
    )


_RUBBER = Fm((Operator(1.0, 1.0, 3.0, 0.12, 0.6, 0.9, Envelope(0.003, 0.6, 0.3, 0.05)),))

PLUCKED = (
    Timbre(
        "acoustic guitar",
        40,
        84,
        False,
        (
            Preset("steel", Pluck(0.75, 0.17, 0.55, 0.08, 0.12)),
            Preset("nylon", Pluck(1.35, 0.28, 0.4, 0.16, 0.12)),
            Preset("twelve-string", Pluck(0.7, 0.15, 0.6, 0.07, 0.12, (-4.0, 4.0))),
            Preset("muted strings", Pluck(1.1, 0.22, 0.16, 0.2, 0.06)),
        ),
    ),
    Timbre(
        "electric guitar",
        40,
        86,
        False,
        (
            Preset("clean", Pluck(0.95, 0.24, 0.9, 0.06, 0.1)),
            Preset("overdriven", Pluck(0.9, 0.2, 1.4, 0.07, 0.08), drive=2.5),
            Preset("distorted", Pluck(0.8, 0.14, 2.0, 0.05, 0.08), drive=9.0),
            Preset("trembling", Pluck(1.0, 0.3, 1.1, 0.06, 0.12), drive=0.3, tremolo=(5.2, 0.55)),
        ),
    ),
    Timbre(
        "harp",
        36,
        98,
        False,
        (
            Preset("concert", Pluck(1.4, 0.45, 0.75, 0.06, 0.5)),
            Preset("celtic", Pluck(1.05, 0.35, 0.6, 0.05, 0.4)),
            Preset("soft", Pluck(1.9, 0.48, 0.8, 0.1, 0.5)),
        ),
    ),
    Timbre(
        "bass guitar",
        26,
        64,
        False,
        (
            Preset("fingered", Pluck(1.25, 0.22, 0.5, 0.25, 0.08)),
            Preset("picked", Pluck(0.8, 0.12, 0.5, 0.12, 0.07)),
            Preset("upright", Pluck(1.9, 0.4, 0.22, 0.25, 0.1)),
            Preset("growling", Pluck(1.0, 0.15, 0.6, 0.15, 0.08), drive=1.5),
        ),
    ),
    Timbre(
        "synth bass",
        24,
        64,
        True,
        (
            Preset("saw", _synth_bass(1.0, 1.0, 0.14, 4.0)),
            Preset("square", _synth_bass(1.0, 0.0, 0.1, 3.0)),
            Preset("rubber", _RUBBER),
            Preset("sub", _synth_bass(2.2, 0.5, 0.2, 1.0)),
        ),
    ),
)
