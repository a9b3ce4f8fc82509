"""Marimba, vibraphone, bells, music box."""

from labeling.render.engines import Engine
from labeling.render.envelopes import Envelope
from labeling.render.modal import Modal, Mode
from labeling.render.modulated import Fm, Operator
from labeling.render.timbres import Preset, Timbre


def _bar(half_life: float, second: float, third: float, knock: float, release: float, ratios: tuple[float, float] = (3.93, 9.2)) -> Engine:
    modes = (Mode(1.0, 1.0, half_life), Mode(ratios[0], second, 0.35 * half_life), Mode(ratios[1], third, 0.12 * half_life))
    return Modal(modes, 0.0015, release, knock)


def _bell(half_life: float, brightness: float) -> Engine:
    ratios = ((1.0, 0.8, 1.0), (2.0, 0.55, 0.8), (2.4, 0.3, 0.5), (3.0, 0.25, 0.45), (4.5, 0.3, 0.3), (5.33, 0.25, 0.25), (6.67, 0.2, 0.15))
    modes = tuple(Mode(ratio, amplitude * (brightness if ratio > 2 else 1.0), share * half_life) for ratio, amplitude, share in ratios)
    return Modal(modes, 0.001, 0.8, 0.05)


def _fm_bell(index: float, half_life: float) -> Engine:
    body = Operator(1.0, 1.0, 0.0, 1.0, 0.0, 0.6, Envelope(0.001, half_life, 0.0, 0.8))
    ring = Operator(1.0, 3.5, index, 0.4 * half_life, 0.0, 0.7, Envelope(0.001, 0.6 * half_life, 0.0, 0.7))
    return Fm((body, ring))


STRUCK = (
    Timbre(
        "marimba",
        41,
        91,
        False,
        (
            Preset("rosewood", _bar(0.16, 0.3, 0.12, 0.25, 0.25)),
            Preset("soft mallets", _bar(0.2, 0.12, 0.03, 0.08, 0.3)),
            Preset("xylophone", _bar(0.1, 0.6, 0.4, 0.4, 0.15, (3.0, 6.1))),
        ),
    ),
    Timbre(
        "vibraphone",
        53,
        89,
        False,
        (
            Preset("motor on", _bar(0.9, 0.25, 0.06, 0.05, 0.5, (4.0, 10.0)), tremolo=(5.4, 0.5)),
            Preset("motor off", _bar(1.0, 0.3, 0.08, 0.06, 0.5, (4.0, 10.0))),
            Preset("hard mallets", _bar(0.8, 0.5, 0.25, 0.15, 0.4, (4.0, 10.0)), tremolo=(3.6, 0.3)),
        ),
    ),
    Timbre(
        "bells",
        60,
        103,
        False,
        (
            Preset("tubular", _bell(0.9, 1.0)),
            Preset("hand bells", _bell(0.6, 0.5)),
            Preset("glass", _fm_bell(1.6, 0.8)),
            Preset("glockenspiel", _bar(0.7, 0.45, 0.3, 0.1, 0.8, (2.76, 5.4))),
        ),
    ),
    Timbre(
        "music box",
        60,
        103,
        False,
        (
            Preset("comb", _bar(0.45, 0.35, 0.2, 0.12, 0.6, (2.0, 6.27))),
            Preset("worn", _bar(0.3, 0.5, 0.15, 0.2, 0.5, (3.01, 5.9))),
            Preset("celesta", _fm_bell(0.7, 0.5)),
        ),
    ),
)
