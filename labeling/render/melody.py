"""Melodies: a two-bar motif, repeated over changing chords, answered, and closed on a chord tone."""

from labeling.render.chance import Chance
from labeling.render.harmony import Chord
from labeling.render.notes import TICKS, Note

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
