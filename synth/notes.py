"""Notes and strokes in musical time: 24 ticks a beat."""

from dataclasses import dataclass

TICKS = 24


@dataclass(frozen=True)
class Note:
    """A note: when it starts and how long it is held (ticks), MIDI pitch, loudness 0..1."""

    start: int
    ticks: int
    pitch: int
    velocity: float


@dataclass(frozen=True)
class Stroke:
    """One stroke of a drum kit, at a tick, at a loudness 0..1."""

    start: int
    name: str
    velocity: float


def swung(tick: int, swing: bool) -> int:
    """Off-beats of a swung piece come late: quavers at two thirds of the beat, semiquavers near them."""
    if not swing:
        return tick
    return tick - tick % TICKS + {6: 8, 12: 16, 18: 20}.get(tick % TICKS, tick % TICKS)


def tick_to_sample(tick: int, bpm: int, sample_rate: int) -> int:
    """The sample at which a tick falls."""
    return tick * 60 * sample_rate // (TICKS * bpm)
