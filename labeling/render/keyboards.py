"""Piano, electric piano, organ, harpsichord, accordion."""

from labeling.render.additive import Additive, Band
from labeling.render.engines import Engine
from labeling.render.envelopes import Envelope
from labeling.render.modulated import Fm, Operator
from labeling.render.playing import Vibrato
from labeling.render.strings import Pluck
from labeling.render.timbres import Preset, Timbre


def _piano(slope: float, brightness: float, half_life: float, voices: tuple[float, ...], attack: float = 0.003) -> Engine:
    return Additive(
        bands=(
            Band(1, 3, slope, 0.8, Envelope(attack, 1.1 * half_life, 0.0, 0.22)),
            Band(4, 9, slope, 0.9 * brightness, Envelope(attack, 0.45 * half_life, 0.0, 0.18), bite=0.6),
            Band(10, 36, slope + 0.15, brightness, Envelope(0.001, 0.13 * half_life, 0.0, 0.12), bite=0.9),
        ),
        voices=voices,
    )


def _electric_piano(tine: float, body: float, half_life: float) -> Engine:
    return Fm(
        (
            Operator(1.0, 1.0, body, 0.5, 0.25, 0.8, Envelope(0.003, half_life, 0.0, 0.2)),
            Operator(1.0, 14.0, tine, 0.12, 0.0, 0.45, Envelope(0.001, 0.5 * half_life, 0.0, 0.15)),
        ),
        voices=(-2.0, 2.0),
    )


def _organ(drawbars: tuple[tuple[int, float], ...], swing: float, release: float = 0.05) -> Engine:
    held = Envelope(0.012, 1.0, 1.0, release)
    bands = tuple(Band(harmonic, harmonic, 0.0, level, held) for harmonic, level in drawbars)
    return Additive(bands, vibrato=Vibrato(swing, 6.3, 0.05) if swing else None, voices=(-3.0, 4.0) if swing else (0.0, 3.0, -4.0))


def _reeds(slope: float, beating: float, even: float) -> Engine:
    held = Envelope(0.05, 1.0, 1.0, 0.08)
    return Additive((Band(1, 5, slope, 0.6, held, even), Band(6, 24, slope, 0.6, held, even, bite=0.5)), voices=(-beating, 0.0, beating))


KEYBOARDS = (
    Timbre(
        "piano",
        28,
        100,
        False,
        (
            Preset("grand", _piano(1.15, 1.0, 0.9, (-0.6, 0.6))),
            Preset("upright", _piano(0.95, 0.9, 0.6, (-2.0, 0.5, 2.5))),
            Preset("felt", _piano(1.7, 0.5, 0.75, (-0.8, 0.8), 0.012)),
            Preset("bright", _piano(0.8, 1.2, 0.8, (-1.0, 1.0))),
        ),
    ),
    Timbre(
        "electric piano",
        33,
        96,
        False,
        (
            Preset("tines", _electric_piano(1.3, 0.7, 0.8), tremolo=(4.7, 0.25)),
            Preset("reeds", _electric_piano(0.5, 1.8, 0.6), drive=0.5),
            Preset("glassy", _electric_piano(2.2, 0.4, 1.0)),
        ),
    ),
    Timbre(
        "organ",
        31,
        96,
        True,
        (
            Preset("drawbars", _organ(((1, 0.7), (2, 0.5), (3, 0.5), (4, 0.25), (6, 0.12), (8, 0.2)), 8.0), tremolo=(6.3, 0.25)),
            Preset("church", _organ(((1, 0.6), (2, 0.6), (4, 0.45), (6, 0.2), (8, 0.3), (12, 0.12), (16, 0.15)), 0.0, 0.12)),
            Preset("full", _organ(((1, 0.6), (2, 0.5), (3, 0.4), (4, 0.4), (5, 0.2), (6, 0.25), (8, 0.35)), 10.0), 0.8, (6.8, 0.2)),
        ),
    ),
    Timbre(
        "harpsichord",
        36,
        89,
        False,
        (
            Preset("one choir", Pluck(0.25, 0.12, 0.9, 0.02, 0.06)),
            Preset("two choirs", Pluck(0.3, 0.1, 0.9, 0.02, 0.06, (-1.5, 1.5))),
            Preset("lute stop", Pluck(0.4, 0.2, 0.25, 0.06, 0.05)),
        ),
    ),
    Timbre(
        "accordion",
        48,
        91,
        True,
        (
            Preset("musette", _reeds(0.75, 11.0, 0.8)),
            Preset("dry", _reeds(0.85, 2.0, 0.7)),
            Preset("concertina", _reeds(0.6, 5.0, 0.35)),
        ),
    ),
)
