"""Keys, chords, progressions, and how one chord moves to the next."""

from dataclasses import dataclass

from noise2music.synth.chance import Chance

KEYS = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
SCALES = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}

PROGRESSIONS = {
    "major": ((1, 5, 6, 4), (1, 6, 4, 5), (1, 4, 5, 1), (1, 3, 4, 5), (1, 6, 2, 5), (1, 4, 6, 5), (1, 4, 1, 5), (1, 2, 5, 1)),
    "minor": ((1, 6, 3, 7), (1, 4, 5, 1), (1, 7, 6, 5), (1, 6, 4, 5), (1, 4, 7, 3), (1, 3, 4, 5), (1, 5, 1, 4), (1, 4, 6, 5)),
}
BLUES = (1, 1, 1, 1, 4, 4, 1, 1, 5, 4, 1, 5)


@dataclass(frozen=True)
class Chord:
    """A chord: pitch class of its root, pitch classes of all its tones (root first), and of the scale to play over it."""

    root: int
    tones: tuple[int, ...]
    scale: tuple[int, ...]


def chord(tonic: int, mode: str, degree: int, seventh: bool, dominant: bool = False) -> Chord:
    """The chord on a degree (1..7) of a key. The fifth of a minor key gets its major third; `dominant` flattens the seventh (blues)."""
    steps = list(SCALES[mode])
    if mode == "minor" and degree == 5:
        steps[6] = 11
    places = [steps[(degree - 1 + 2 * third) % 7] for third in range(4 if seventh else 3)]
    if dominant and seventh:
        places[3] = (places[0] + 10) % 12
    scale = {(tonic + step) % 12 for step in steps}
    if dominant and seventh:
        scale = (scale - {(tonic + places[0] + 11) % 12}) | {(tonic + places[3]) % 12}
    return Chord((tonic + places[0]) % 12, tuple((tonic + place) % 12 for place in places), tuple(sorted(scale)))


def progression(chance: Chance, mode: str, tonic: int, seventh: bool, blues: bool, before: tuple[Chord, ...] = ()) -> tuple[Chord, ...]:
    """The chords of one section, one a bar: another progression than `before`, or twelve bars of blues."""
    if blues:
        return tuple(chord(tonic, mode, degree, True, mode == "major") for degree in BLUES)
    rows = [tuple(chord(tonic, mode, degree, seventh) for degree in degrees) for degrees in PROGRESSIONS[mode]]
    return chance.pick([row for row in rows if row != before], "progression")


def voiced(harmony: Chord, centre: int, before: tuple[int, ...], low: int, high: int) -> tuple[int, ...]:
    """The close position around `centre` (MIDI pitch) that moves least from the chord before; ascending pitches within low..high."""
    best: tuple[float, tuple[int, ...]] | None = None
    for inversion in range(len(harmony.tones)):
        turned = harmony.tones[inversion:] + harmony.tones[:inversion]
        for octave in range(1, 9):
            pitches = [12 * octave + turned[0]]
            for tone in turned[1:]:
                pitches.append(pitches[-1] + (tone - pitches[-1]) % 12)
            if pitches[0] < low or pitches[-1] > high:
                continue
            middle = sum(pitches) / len(pitches)
            motion = sum(min(abs(pitch - old) for old in before) for pitch in pitches) if before else 0
            cost = motion + 1.2 * abs(middle - centre)
            if best is None or (cost, tuple(pitches)) < best:
                best = cost, tuple(pitches)
    if best is None:
        raise ValueError(f"no room for a chord between {low} and {high}")
    return best[1]


def nearest(pitch_class: int, around: int) -> int:
    """The pitch of this class that is closest to `around` (the lower of two)."""
    up = (pitch_class - around) % 12
    return around + up if up < 6 else around + up - 12
