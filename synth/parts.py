"""What players play, as notes and strokes in musical time (24 ticks a beat).

Melodies: a two-bar motif, repeated over changing chords, answered, and closed on a chord tone; accompaniments.
"""

from dataclasses import dataclass

from noise2music.synth.chance import Chance
from noise2music.synth.harmony import Chord, nearest

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


# Chords broken up and bass lines: one bar at a time.


HALF = TICKS // 2
QUARTER = TICKS // 4
_ARPEGGIOS = ((0, 1, 2, 3, 4, 3, 2, 1), (0, 2, 1, 2, 3, 2, 1, 2), (0, 1, 2, 3, 2, 1, 0, 1))
_MONTUNO = (0, 12, 18, 30, 42, 54, 66, 78, 90)
_SCRATCH = (0, 18, 30, 36, 54, 66, 78, 90)
_STABS = {4: (0, 36, 60), 3: (0, 36)}
_STRUM = {4: (0, 24, 36, 60, 72, 84), 3: (0, 24, 36, 48, 60)}


def comped(style: str, voicing: tuple[int, ...], beats: int, chance: Chance, energy: float) -> list[Note]:
    """One bar of chords from tick 0 in a style. `voicing`: ascending MIDI pitches; for "power" the first one is the root."""
    bar = beats * TICKS
    loud = 0.65 + 0.25 * energy
    match style:
        case "block":
            return _hits(voicing, ((0, bar),), loud)
        case "halves":
            return _hits(voicing, ((0, 2 * TICKS), (2 * TICKS, bar - 2 * TICKS)), loud)
        case "pulse":
            return _hits(voicing, tuple((beat * TICKS, TICKS - 4) for beat in range(beats)), loud)
        case "offbeat":
            return _hits(voicing, tuple((beat * TICKS + HALF, 8) for beat in range(beats)), loud)
        case "stabs":
            return _hits(voicing, tuple((start, HALF) for start in _STABS[beats]), loud)
        case "scratch":
            kept = [start for start in _SCRATCH if start < bar and (start == 0 or chance.yes(0.75, "scratch", start))]
            return _hits(voicing, tuple((start, 6) for start in kept), loud)
        case "waltz":
            starts = tuple(range(TICKS, bar, TICKS))
            return [Note(0, TICKS, voicing[0], loud), *_hits(voicing[1:], tuple((start, TICKS - 6) for start in starts), 0.85 * loud)]
        case "strum":
            return _strummed(voicing, beats, loud)
        case "power":
            return _hits((voicing[0], voicing[0] + 7, voicing[0] + 12), tuple((start, HALF - 2) for start in range(0, bar, HALF)), loud)
        case "montuno":
            return [
                Note(start, 11, pitch, loud if place % 2 == 0 else 0.85 * loud)
                for place, start in enumerate(_MONTUNO)
                if start < bar
                for pitch in ((voicing[0], voicing[-1]) if place % 2 == 0 else (voicing[place // 2 % len(voicing)],))
            ]
        case "alberti":
            order = (voicing[0], voicing[-1], voicing[1], voicing[-1])
            return [Note(place * HALF, HALF, order[place % 4], loud * (1.0 if place % 4 == 0 else 0.8)) for place in range(2 * beats)]
        case "arpeggio" | "sixteenths":
            unit = HALF if style == "arpeggio" else QUARTER
            ladder = (*voicing, voicing[0] + 12, voicing[1] + 12)
            shape = chance.pick(_ARPEGGIOS, "shape")
            count = bar // unit
            held = 2 * unit if style == "arpeggio" else unit
            return [
                Note(place * unit, held, ladder[shape[place % 8] % len(ladder)], loud * (1.0 if place % 4 == 0 else 0.8))
                for place in range(count)
            ]
        case _:
            raise ValueError(f"no way of comping is called {style!r}")


def _hits(voicing: tuple[int, ...], times: tuple[tuple[int, int], ...], loud: float) -> list[Note]:
    return [Note(start, length, pitch, loud) for start, length in times for pitch in voicing]


def _strummed(voicing: tuple[int, ...], beats: int, loud: float) -> list[Note]:
    """Down on the beats, up between them, one tick from string to string."""
    starts = _STRUM[beats]
    notes = []
    for place, start in enumerate(starts):
        until = starts[place + 1] if place + 1 < len(starts) else beats * TICKS
        down = start % TICKS == 0
        for string, pitch in enumerate(voicing if down else voicing[:0:-1]):
            notes.append(Note(start + string, until - start, pitch, loud * (1.0 if down else 0.75)))
    return notes


def bass_bar(style: str, harmony: Chord, following: Chord, centre: int, low: int, beats: int, energy: float) -> list[Note]:
    """One bar of bass from tick 0 around `centre` (MIDI pitch), never below `low`; `following` is the next bar's chord."""
    bar = beats * TICKS
    loud = 0.75 + 0.25 * energy
    root = nearest(harmony.root, centre)
    root += 12 if root < low else 0
    third, fifth = nearest(harmony.tones[1], root + 3), nearest(harmony.tones[2], root + 7)
    match style:
        case "root":
            return [Note(0, bar, root, loud)]
        case "pedal":
            return [Note(beat * TICKS, TICKS - 2, root, loud) for beat in range(beats)]
        case "fifths":
            return [Note(0, TICKS, root, loud), Note(bar - (2 if beats == 4 else 1) * TICKS, TICKS, fifth, 0.9 * loud)]
        case "eighths":
            return [Note(start, HALF - 1, root, loud * (1.0 if start % TICKS == 0 else 0.85)) for start in range(0, bar, HALF)]
        case "sixteenths":
            return [Note(start, QUARTER, root, loud * (1.0 if start % TICKS else 0.8)) for start in range(0, bar, QUARTER)]
        case "offbeat":
            return [Note(start, HALF - 1, root, loud) for start in range(HALF, bar, TICKS)]
        case "octaves":
            return [Note(start, HALF - 2, root + (12 if start % TICKS else 0), loud) for start in range(0, bar, HALF)]
        case "syncopated":
            steps = ((0, 30, root), (36, 12, root), (60, 12, fifth), (72, 20, root)) if beats == 4 else ((0, 30, root), (36, 30, fifth))
            return [Note(start, length, pitch, loud) for start, length, pitch in steps]
        case "tumbao":
            return [Note(0, 30, root, loud), Note(36, 34, fifth, 0.9 * loud), Note(72, 24, root + 12, 0.9 * loud)][: 3 if beats == 4 else 2]
        case "walk":
            target = nearest(following.root, root)
            approach = target + (1 if target <= root else -1)
            line = (root, third, fifth, approach) if beats == 4 else (root, fifth, approach)
            return [Note(beat * TICKS, TICKS - 1, max(low, pitch), loud) for beat, pitch in enumerate(line)]
        case _:
            raise ValueError(f"no bass line is called {style!r}")


Cell = tuple[tuple[int, int], ...]


def _even(length: int, count: int) -> Cell:
    return tuple((place * length, length) for place in range(count))


CELLS: dict[int, dict[str, tuple[Cell, ...]]] = {
    4: {
        "sparse": (((0, 48), (48, 48)), ((0, 72), (72, 24)), ((0, 36), (36, 60)), ((0, 24), (24, 72))),
        "medium": (
            ((0, 24), (24, 24), (48, 48)),
            ((0, 36), (36, 12), (48, 24), (72, 24)),
            ((0, 24), (24, 12), (36, 12), (48, 48)),
            ((0, 12), (12, 12), (24, 24), (48, 36), (84, 12)),
            ((12, 12), (24, 24), (48, 24), (72, 24)),
        ),
        "busy": (
            _even(12, 8),
            ((0, 18), (18, 18), (36, 12), (48, 18), (66, 18), (84, 12)),
            ((0, 12), (12, 6), (18, 6), (24, 12), (36, 12), (48, 12), (60, 12), (72, 24)),
            ((0, 24), (24, 12), (36, 12), (48, 12), (60, 12), (72, 12), (84, 12)),
        ),
    },
    3: {
        "sparse": (((0, 72),), ((0, 48), (48, 24)), ((0, 36), (36, 36))),
        "medium": (_even(24, 3), ((0, 36), (36, 12), (48, 24)), ((0, 24), (24, 48)), ((0, 48), (48, 12), (60, 12))),
        "busy": (_even(12, 6), ((0, 24), (24, 12), (36, 12), (48, 12), (60, 12)), ((0, 12), (12, 12), (24, 24), (48, 12), (60, 12))),
    },
}
_STEPS = ((-3, 0.5), (-2, 1.2), (-1, 3.0), (0, 0.8), (1, 3.0), (2, 1.2), (3, 0.5))


def phrase(
    chance: Chance, chords: tuple[Chord, ...], beats: int, density: str, centre: int, low: int, high: int, energy: float
) -> list[Note]:
    """A melody over one chord a bar, from tick 0. `centre`, `low`, `high`: MIDI pitches. Strong beats and phrase ends get chord tones."""
    bar = beats * TICKS
    cells = [chance.pick(CELLS[beats][density], "cell", place) for place in range(2)]
    low, high = max(low, centre - 9), min(high, centre + 9)
    pitch = _snapped(centre, chords[0].tones, low, high)
    notes: list[Note] = []
    for place, harmony in enumerate(chords):
        closing = place % 4 == 3
        cell: Cell = ((0, bar - TICKS // 2),) if closing and density != "busy" else cells[place % 2]
        if closing and density == "busy":
            cell = (*cells[1][:2], (cells[1][2][0], bar - cells[1][2][0]))
        for position, (start, length) in enumerate(cell):
            # The motif's shape comes back every two bars; the answer of each fourth bar turns the other way.
            step = chance.weighted(_STEPS, "step", place % 2, position) * (-1 if closing else 1)
            if (pitch > centre + 6 and step > 0) or (pitch < centre - 6 and step < 0):
                step = -step
            strong = start % (2 * TICKS if beats == 4 else bar) == 0 or length >= 2 * TICKS
            target = _moved(pitch, step, harmony.scale, low, high)
            pitch = _snapped(target, harmony.tones[:3] if closing else harmony.tones, low, high) if strong else target
            accent = 1.0 if start == 0 else 0.85 if strong else 0.7
            notes.append(Note(place * bar + start, length, pitch, accent * (0.75 + 0.25 * energy)))
    return notes


def _moved(pitch: int, steps: int, scale: tuple[int, ...], low: int, high: int) -> int:
    """`steps` scale steps up or down, staying within low..high."""
    direction = 1 if steps > 0 else -1
    for _ in range(abs(steps)):
        following = pitch + direction
        while following % 12 not in scale:
            following += direction
        if low <= following <= high:
            pitch = following
    while pitch % 12 not in scale:
        pitch += 1 if pitch < high else -1
    return pitch


def _snapped(pitch: int, tones: tuple[int, ...], low: int, high: int) -> int:
    """The chord tone nearest to the pitch within low..high (the lower of two)."""
    return min((option for option in range(low, high + 1) if option % 12 in tones), key=lambda option: (abs(option - pitch), option))
