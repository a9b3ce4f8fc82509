"""The frame of a piece: what was drawn for it, and its sections bar by bar."""

from dataclasses import dataclass

from labeling.render.chance import Chance
from labeling.render.genres import Genre
from labeling.render.harmony import Chord, progression
from labeling.render.notes import TICKS

_ENERGY = {"calm": 0.2, "steady": 0.55, "lively": 0.95}


@dataclass(frozen=True)
class Plan:
    """What holds for the whole piece: `beats` a bar, `tonic` 0..11, `feel` as `truth.arousal` says it."""

    genre: Genre
    bpm: int
    beats: int
    tonic: int
    mode: str
    register: str
    feel: str
    swing: bool

    @property
    def energy(self) -> float:
        """How hard the players play, 0..1."""
        return _ENERGY[self.feel]

    @property
    def bar(self) -> int:
        """Ticks a bar."""
        return self.beats * TICKS


@dataclass(frozen=True)
class Bar:
    """One bar of the form: its section's name, chord and the next one, its place in the section."""

    section: str
    place: int
    last: bool
    harmony: Chord
    following: Chord


def form(plan: Plan, chance: Chance, bars: int) -> list[Bar]:
    """Introduction (when there is time for one), then sections A A B A B ..., cut at `bars`."""
    blues = plan.genre.name == "blues"
    chords = {"A": progression(chance.at("A"), plan.mode, plan.tonic, plan.genre.sevenths, blues)}
    chords["B"] = progression(chance.at("B"), plan.mode, plan.tonic, plan.genre.sevenths, blues, chords["A"])
    chords["intro"] = chords["A"][: 0 if bars < 7 else 1 if bars < 11 else 2]
    twice = 2 if bars > 18 and not blues else 1
    order = ["intro", "A", *(("A",) if bars > 13 and twice == 1 and not blues else ()), "B"]
    sections: list[tuple[str, int, Chord, bool]] = []
    while len(sections) < bars + 1:
        for name in order:
            row = chords[name] * (1 if name == "intro" else twice)
            sections += [(name, place, harmony, place == len(row) - 1) for place, harmony in enumerate(row)]
        order = ["A", "B"]
    return [Bar(name, place, last, harmony, sections[at + 1][2]) for at, (name, place, harmony, last) in enumerate(sections[:bars])]
