"""Instruments whose notes last: strings, voices, winds, brass, synthesizers."""

from labeling.render.additive import Additive, Band, Formant
from labeling.render.engines import Engine
from labeling.render.envelopes import Envelope
from labeling.render.playing import Vibrato
from labeling.render.timbres import Preset, Timbre


def _bowed(slope: float, attack: float, voices: tuple[float, ...], swing: float, release: float = 0.15) -> Engine:
    low, high = Envelope(attack, 1.0, 1.0, release), Envelope(1.2 * attack, 1.0, 1.0, release)
    return Additive(
        (Band(1, 6, slope, 0.7, low), Band(7, 40, slope + 0.1, 0.7, high, bite=0.6)),
        (
            Formant(290.0, 130.0, 0.9),
            Formant(480.0, 200.0, 0.9),
            Formant(1250.0, 600.0, 0.9),
            Formant(2600.0, 900.0, 0.8),
            Formant(600.0, 4000.0, 0.5),
        ),
        voices,
        Vibrato(swing, 5.6, 0.35),
    )


def _voices(formants: tuple[tuple[float, float, float], ...], attack: float, voices: tuple[float, ...]) -> Engine:
    held = Envelope(attack, 1.0, 1.0, 0.35)
    shaped = tuple(Formant(*formant) for formant in formants)
    return Additive((Band(1, 40, 0.7, 0.8, held),), (*shaped, Formant(200.0, 500.0, 0.15)), voices, Vibrato(22.0, 5.1, 0.5), 0.015)


_AH = ((730.0, 110.0, 1.0), (1090.0, 130.0, 0.6), (2440.0, 220.0, 0.25))
_OH = ((500.0, 100.0, 1.0), (850.0, 120.0, 0.5), (2500.0, 220.0, 0.1))
_OO = ((330.0, 90.0, 1.0), (800.0, 110.0, 0.2), (2300.0, 220.0, 0.05))


def _wind(bands: tuple[tuple[int, int, float, float], ...], even: float, attack: float, breath: float, swing: float) -> Engine:
    shaped = tuple(
        Band(first, last, slope, level, Envelope(attack * (1.0 + 0.4 * place), 1.0, 1.0, 0.08), even, bite=0.3 * place)
        for place, (first, last, slope, level) in enumerate(bands)
    )
    return Additive(shaped, vibrato=Vibrato(swing, 5.2, 0.45), breath=breath)


def _brass(slope: float, formant: float, attack: float, swing: float) -> Engine:
    return Additive(
        (
            Band(1, 4, slope, 0.7, Envelope(attack, 1.2, 0.85, 0.07)),
            Band(5, 12, slope, 0.8, Envelope(1.6 * attack, 0.6, 0.6, 0.06), bite=0.6),
            Band(13, 32, slope + 0.2, 0.8, Envelope(2.2 * attack, 0.4, 0.45, 0.05), bite=0.9),
        ),
        (Formant(formant, 700.0, 1.0), Formant(2.2 * formant, 900.0, 0.5), Formant(0.5 * formant, 2000.0, 0.4)),
        vibrato=Vibrato(swing, 5.0, 0.5),
    )


def _lead(slope: float, even: float, voices: tuple[float, ...], sweep: float, swing: float) -> Engine:
    return Additive(
        (
            Band(1, 4, slope, 0.6, Envelope(0.006, 1.0, 0.9, 0.06), even),
            Band(5, 40, slope, 0.7, Envelope(0.005, sweep, 0.35, 0.05), even, bite=0.5),
        ),
        voices=voices,
        vibrato=Vibrato(swing, 5.8, 0.3),
    )


def _pad(slope: float, even: float, attack: float, bloom: float, voices: tuple[float, ...]) -> Engine:
    return Additive(
        (
            Band(1, 4, slope, 0.6, Envelope(attack, 1.0, 1.0, 0.5), even),
            Band(5, 30, slope, 0.6, Envelope(bloom, 2.0, 0.5, 0.4), even),
        ),
        voices=voices,
    )


_SECTION = (-9.0, -3.5, 3.0, 8.0)
_CHOIR = (-12.0, -4.0, 5.0, 11.0)

SUSTAINED = (
    Timbre(
        "strings",
        36,
        96,
        True,
        (
            Preset("ensemble", _bowed(0.85, 0.11, _SECTION, 9.0, 0.25)),
            Preset("slow", _bowed(1.05, 0.25, _SECTION, 12.0, 0.35)),
            Preset("marcato", _bowed(0.75, 0.05, _SECTION, 8.0, 0.15)),
        ),
    ),
    Timbre(
        "violin",
        55,
        98,
        True,
        (
            Preset("warm", _bowed(0.9, 0.07, (0.0,), 18.0)),
            Preset("bright", _bowed(0.65, 0.05, (0.0,), 22.0)),
            Preset("fiddle", _bowed(0.75, 0.03, (0.0,), 6.0, 0.08)),
        ),
    ),
    Timbre(
        "cello",
        36,
        72,
        True,
        (
            Preset("solo", _bowed(0.9, 0.08, (0.0,), 15.0)),
            Preset("dark", _bowed(1.2, 0.1, (0.0,), 12.0)),
            Preset("close", _bowed(0.7, 0.05, (0.0,), 17.0)),
        ),
    ),
    Timbre(
        "choir",
        40,
        93,
        True,
        (
            Preset("ah", _voices(_AH, 0.15, _CHOIR)),
            Preset("oh", _voices(_OH, 0.18, _CHOIR)),
            Preset("oo", _voices(_OO, 0.2, _CHOIR)),
        ),
    ),
    Timbre(
        "flute",
        60,
        96,
        True,
        (
            Preset("silver", _wind(((1, 3, 1.3, 0.9), (4, 10, 1.6, 0.8)), 0.8, 0.05, 0.035, 14.0)),
            Preset("wooden", _wind(((1, 3, 1.0, 0.8), (4, 12, 1.5, 0.8)), 0.5, 0.04, 0.06, 8.0)),
            Preset("recorder", _wind(((1, 2, 2.2, 1.0), (3, 9, 1.5, 0.7)), 0.25, 0.03, 0.02, 4.0)),
        ),
    ),
    Timbre(
        "clarinet",
        50,
        91,
        True,
        (
            Preset("chalumeau", _wind(((1, 5, 0.7, 0.8), (6, 25, 1.1, 0.8)), 0.06, 0.05, 0.008, 3.0)),
            Preset("bright", _wind(((1, 5, 0.5, 0.7), (6, 30, 0.8, 0.8)), 0.12, 0.035, 0.01, 6.0)),
            Preset("dark", _wind(((1, 3, 1.0, 0.9), (5, 15, 1.3, 0.7)), 0.04, 0.06, 0.006, 3.0)),
        ),
    ),
    Timbre(
        "saxophone",
        49,
        84,
        True,
        (
            Preset("alto", _brass(0.7, 900.0, 0.035, 15.0)),
            Preset("tenor", _brass(0.85, 600.0, 0.045, 18.0)),
            Preset("smooth", _brass(1.1, 750.0, 0.06, 20.0)),
        ),
    ),
    Timbre(
        "trumpet",
        52,
        88,
        True,
        (
            Preset("open", _brass(0.35, 1300.0, 0.025, 8.0)),
            Preset("muted", _brass(0.1, 2300.0, 0.02, 10.0)),
            Preset("flugelhorn", _brass(0.9, 800.0, 0.045, 9.0)),
        ),
    ),
    Timbre(
        "synthesizer",
        36,
        98,
        True,
        (
            Preset("saw", _lead(1.0, 1.0, (-7.0, 7.0), 0.3, 6.0)),
            Preset("square", _lead(1.0, 0.0, (0.0, 5.0), 0.3, 8.0)),
            Preset("super saw", _lead(0.9, 1.0, (-16.0, -9.0, -3.0, 4.0, 10.0, 15.0), 0.6, 3.0)),
            Preset("sweeping", _lead(0.8, 0.7, (-4.0, 4.0), 0.08, 10.0), drive=0.6),
        ),
    ),
    Timbre(
        "synth pad",
        36,
        91,
        True,
        (
            Preset("warm", _pad(1.4, 0.9, 0.3, 0.8, (-8.0, -2.0, 3.0, 9.0))),
            Preset("glowing", _pad(0.95, 1.0, 0.25, 1.4, (-10.0, -4.0, 5.0, 11.0))),
            Preset("hollow", _pad(1.2, 0.05, 0.35, 0.9, (-6.0, 6.0)), tremolo=(0.7, 0.3)),
        ),
    ),
)
