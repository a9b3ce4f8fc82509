"""What makes a genre here: tempo, metre, instruments by role, how they accompany, drum grooves."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Genre:
    """One genre. Chances: `minor`, `drums`, `triple` (three-four time), `swing`, `solo`. Roles list instruments by name.

    `push` is how lively it feels beyond its tempo (in bpm); `moods` are words that fit the genre whatever the key and tempo.
    """

    name: str
    bpm: tuple[int, int]
    minor: float
    drums: float
    leads: tuple[str, ...]
    chords: tuple[str, ...]
    comping: tuple[str, ...]
    basses: tuple[str, ...] = ()
    bass_lines: tuple[str, ...] = ("root",)
    pads: tuple[str, ...] = ()
    grooves: tuple[str, ...] = ()
    kits: tuple[str, ...] = ("studio",)
    triple: float = 0.0
    swing: float = 0.0
    sevenths: bool = False
    solo: float = 0.0
    push: int = 0
    moods: tuple[str, ...] = ()
