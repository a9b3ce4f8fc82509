"""How the engine of a preset is made from a few numbers (data/instruments.toml): one function for each kind of instrument.

Slopes: harmonic h has the amplitude h**-slope. Half-lives, attacks and releases are in seconds, detuned voices in cents.
"""

from collections.abc import Callable, Mapping

from noise2music.synth.additive import Additive, Band, Formant
from noise2music.synth.engines import Engine, Fm, Modal, Mode, Operator, Pluck
from noise2music.synth.note_shape import Envelope, Vibrato

Cents = tuple[float, ...]


def piano(slope: float, brightness: float, half_life: float, voices: Cents, attack: float = 0.003) -> Engine:
    """Strings that are struck: the higher a band, the sooner it dies. brightness: level of the upper harmonics."""
    return Additive(
        bands=(
            Band(1, 3, slope, 0.8, Envelope(attack, 1.1 * half_life, 0.0, 0.22)),
            Band(4, 9, slope, 0.9 * brightness, Envelope(attack, 0.45 * half_life, 0.0, 0.18), bite=0.6),
            Band(10, 36, slope + 0.15, brightness, Envelope(0.001, 0.13 * half_life, 0.0, 0.12), bite=0.9),
        ),
        voices=voices,
    )


def electric_piano(tine: float, body: float, half_life: float) -> Engine:
    """tine, body: index of modulation of the metallic stroke and of the tone that stays."""
    return Fm(
        (
            Operator(1.0, 1.0, body, 0.5, 0.25, 0.8, Envelope(0.003, half_life, 0.0, 0.2)),
            Operator(1.0, 14.0, tine, 0.12, 0.0, 0.45, Envelope(0.001, 0.5 * half_life, 0.0, 0.15)),
        ),
        voices=(-2.0, 2.0),
    )


def organ(drawbars: tuple[tuple[int, float], ...], swing: float, release: float = 0.05) -> Engine:
    """drawbars: harmonic and level of each. swing: cents of a rotating loudspeaker, 0 for pipes."""
    held = Envelope(0.012, 1.0, 1.0, release)
    bands = tuple(Band(harmonic, harmonic, 0.0, level, held) for harmonic, level in drawbars)
    return Additive(bands, vibrato=Vibrato(swing, 6.3, 0.05) if swing else None, voices=(-3.0, 4.0) if swing else (0.0, 3.0, -4.0))


def reeds(slope: float, beating: float, even: float) -> Engine:
    """beating: cents between three reeds. even: level of the even harmonics."""
    held = Envelope(0.05, 1.0, 1.0, 0.08)
    return Additive((Band(1, 5, slope, 0.6, held, even), Band(6, 24, slope, 0.6, held, even, bite=0.5)), voices=(-beating, 0.0, beating))


def string(slope: float, position: float, half_life: float, damping: float, release: float = 0.15, courses: Cents = (0.0,)) -> Engine:
    """A plucked string (see Pluck)."""
    return Pluck(slope, position, half_life, damping, release, courses)


def synth_bass(slope: float, even: float, half_life: float, detuned: float) -> Engine:
    """half_life: of the harmonics that a filter closes over."""
    return Additive(
        (
            Band(1, 2, slope, 0.8, Envelope(0.004, 1.2, 0.6, 0.05), even),
            Band(3, 10, slope, 0.8, Envelope(0.003, half_life, 0.15, 0.05), even, bite=0.5),
            Band(11, 48, slope, 0.8, Envelope(0.002, 0.4 * half_life, 0.02, 0.04), even, bite=0.8),
        ),
        voices=(-detuned, detuned),
    )


def fm_bass(index: float, index_half_life: float, index_floor: float, level: float, half_life: float, sustain: float) -> Engine:
    """One operator pair that is bright at first (see Operator)."""
    return Fm((Operator(1.0, 1.0, index, index_half_life, index_floor, level, Envelope(0.003, half_life, sustain, 0.05)),))


def bar(half_life: float, second: float, third: float, knock: float, release: float, ratios: tuple[float, float] = (3.93, 9.2)) -> Engine:
    """A struck bar. second, third: levels of its upper partials, at `ratios` times the pitch. knock: noise of the mallet."""
    modes = (Mode(1.0, 1.0, half_life), Mode(ratios[0], second, 0.35 * half_life), Mode(ratios[1], third, 0.12 * half_life))
    return Modal(modes, 0.0015, release, knock)


def bell(half_life: float, brightness: float) -> Engine:
    """Partials of a cast bell."""
    ratios = ((1.0, 0.8, 1.0), (2.0, 0.55, 0.8), (2.4, 0.3, 0.5), (3.0, 0.25, 0.45), (4.5, 0.3, 0.3), (5.33, 0.25, 0.25), (6.67, 0.2, 0.15))
    modes = tuple(Mode(ratio, amplitude * (brightness if ratio > 2 else 1.0), share * half_life) for ratio, amplitude, share in ratios)
    return Modal(modes, 0.001, 0.8, 0.05)


def fm_bell(index: float, half_life: float) -> Engine:
    """A pure tone, and one whose modulation at 3.5 times its pitch rings."""
    body = Operator(1.0, 1.0, 0.0, 1.0, 0.0, 0.6, Envelope(0.001, half_life, 0.0, 0.8))
    ring = Operator(1.0, 3.5, index, 0.4 * half_life, 0.0, 0.7, Envelope(0.001, 0.6 * half_life, 0.0, 0.7))
    return Fm((body, ring))


def bowed(slope: float, attack: float, voices: Cents, swing: float, release: float = 0.15) -> Engine:
    """A bowed string or a section of them, in a wooden body. swing: cents of vibrato."""
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


def choir(formants: tuple[tuple[float, float, float], ...], attack: float, voices: Cents) -> Engine:
    """Singers of one vowel. formants: centre and width in Hz, and gain."""
    held = Envelope(attack, 1.0, 1.0, 0.35)
    shaped = tuple(Formant(*formant) for formant in formants)
    return Additive((Band(1, 40, 0.7, 0.8, held),), (*shaped, Formant(200.0, 500.0, 0.15)), voices, Vibrato(22.0, 5.1, 0.5), 0.015)


def wind(bands: tuple[tuple[int, int, float, float], ...], even: float, attack: float, breath: float, swing: float) -> Engine:
    """bands: first and last harmonic, slope, level. breath: noise. swing: cents of vibrato."""
    shaped = tuple(
        Band(first, last, slope, level, Envelope(attack * (1.0 + 0.4 * place), 1.0, 1.0, 0.08), even, bite=0.3 * place)
        for place, (first, last, slope, level) in enumerate(bands)
    )
    return Additive(shaped, vibrato=Vibrato(swing, 5.2, 0.45), breath=breath)


def brass(slope: float, formant: float, attack: float, swing: float) -> Engine:
    """formant: Hz at which the horn is loudest. The higher a band, the later it comes."""
    return Additive(
        (
            Band(1, 4, slope, 0.7, Envelope(attack, 1.2, 0.85, 0.07)),
            Band(5, 12, slope, 0.8, Envelope(1.6 * attack, 0.6, 0.6, 0.06), bite=0.6),
            Band(13, 32, slope + 0.2, 0.8, Envelope(2.2 * attack, 0.4, 0.45, 0.05), bite=0.9),
        ),
        (Formant(formant, 700.0, 1.0), Formant(2.2 * formant, 900.0, 0.5), Formant(0.5 * formant, 2000.0, 0.4)),
        vibrato=Vibrato(swing, 5.0, 0.5),
    )


def lead(slope: float, even: float, voices: Cents, sweep: float, swing: float) -> Engine:
    """A synthesizer's lead. sweep: seconds in which a filter closes by half."""
    return Additive(
        (
            Band(1, 4, slope, 0.6, Envelope(0.006, 1.0, 0.9, 0.06), even),
            Band(5, 40, slope, 0.7, Envelope(0.005, sweep, 0.35, 0.05), even, bite=0.5),
        ),
        voices=voices,
        vibrato=Vibrato(swing, 5.8, 0.3),
    )


def pad(slope: float, even: float, attack: float, bloom: float, voices: Cents) -> Engine:
    """bloom: seconds until the upper harmonics are there."""
    return Additive(
        (
            Band(1, 4, slope, 0.6, Envelope(attack, 1.0, 1.0, 0.5), even),
            Band(5, 30, slope, 0.6, Envelope(bloom, 2.0, 0.5, 0.4), even),
        ),
        voices=voices,
    )


_FUNCTIONS = (piano, electric_piano, organ, reeds, string, synth_bass, fm_bass, bar, bell, fm_bell, bowed, choir, wind, brass, lead, pad)
RECIPES: Mapping[str, Callable[..., Engine]] = {function.__name__.replace("_", " "): function for function in _FUNCTIONS}
