"""A piece's form and cast, and every player's notes from it."""

from collections import Counter
from dataclasses import dataclass, replace
from functools import cache

from noise2music.synth.chance import Chance
from noise2music.synth.drums import Kit, groove_bar, kits
from noise2music.synth.genres import Genre, genres
from noise2music.synth.harmony import Chord, nearest, progression, voiced
from noise2music.synth.instruments import Preset, Timbre, instruments, soloists
from noise2music.synth.oscillators import exact
from noise2music.synth.parts import TICKS, Note, Stroke, bass_bar, comped, phrase, swung

# The frame of a piece: what was drawn for it, and its sections bar by bar.


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


# Who plays what.


CENTRES = {"low": (52, 48, 33), "middle": (69, 58, 40), "high": (82, 70, 44)}
"""MIDI pitches around which lead, chords and bass move, by register."""

_ROOM_BELOW, _ROOM_ABOVE = 8, 9


def _fits(timbre: Timbre, centre: int, below: int, above: int) -> bool:
    return timbre.low <= centre - below and timbre.high >= centre + above


@cache
def _uses() -> Counter[str]:
    return Counter(name for genre in genres() for name in (*genre.leads, *genre.chords))


def _rare_first(options: list[Timbre]) -> list[tuple[Timbre, float]]:
    """Weights that make up for how many genres use an instrument, so that a corpus has enough of each."""
    return [(timbre, 1.0 / _uses()[timbre.name]) for timbre in options]


def cast(plan: Plan, chance: Chance, has_drums: bool) -> dict[str, Timbre]:
    """Who plays: role -> instrument. Only instruments that have the notes are asked."""
    genre, timbres = plan.genre, instruments()
    lead_centre, chord_centre, bass_centre = CENTRES[plan.register]
    leads = [timbres[name] for name in genre.leads if _fits(timbres[name], lead_centre, 5, _ROOM_ABOVE)]
    chords = [timbres[name] for name in genre.chords if _fits(timbres[name], chord_centre, _ROOM_BELOW, _ROOM_ABOVE)]
    both = [timbre for timbre in {*leads, *chords} if timbre.name in soloists() and _fits(timbre, lead_centre, 5, _ROOM_ABOVE)]
    both = sorted((timbre for timbre in both if _fits(timbre, chord_centre, _ROOM_BELOW, _ROOM_ABOVE)), key=lambda timbre: timbre.name)
    if both and not has_drums and chance.yes(genre.solo, "solo"):
        alone = chance.weighted(_rare_first(both), "soloist")
        return {"lead": alone, "chords": alone}
    lead = chance.weighted(_rare_first(leads), "lead")
    others = [timbre for timbre in chords if timbre != lead] or [timbres["organ" if lead.name == "piano" else "piano"]]
    players = {"lead": lead, "chords": chance.weighted(_rare_first(others), "chords")}
    taken = set(players.values())
    pads = [timbres[name] for name in genre.pads if timbres[name] not in taken]
    if pads and chance.yes(0.45, "pad"):
        players["pad"] = chance.pick(pads, "pad")
        taken.add(players["pad"])
    basses = [timbres[name] for name in genre.basses if timbres[name] not in taken and _fits(timbres[name], bass_centre, -4, 12)]
    if basses and chance.yes(0.95 if has_drums else 0.5 if plan.register != "high" else 0.2, "bass"):
        players["bass"] = chance.pick(basses, "bass")
    return players


_SETTLING_MS = 300


@dataclass(frozen=True)
class Part:
    """One player: what it plays on, how loud it is in the mix (RMS), how far it is out of tune (cents)."""

    timbre: Timbre
    preset: Preset
    level: float
    cents: float
    notes: tuple[Note, ...]


@dataclass(frozen=True)
class Beat:
    """The drummer."""

    kit: Kit
    level: float
    strokes: tuple[Stroke, ...]


def arranged(plan: Plan, chance: Chance, bars: list[Bar], players: dict[str, Timbre], length: int) -> tuple[Part, ...]:
    """Every pitched part that has notes in `length` ticks. A soloist's two hands share one preset and one tuning."""
    lead_centre, chord_centre, bass_centre = CENTRES[plan.register]
    levels = {"lead": 0.1, "chords": 0.065, "pad": 0.04, "bass": 0.085}
    tuning = chance.between(-8.0, 8.0, "tuning")
    scores = {
        "lead": _melody(plan, chance.at("melody"), bars, players["lead"], lead_centre),
        "chords": _comping(plan, chance.at("comping"), bars, players["chords"], chord_centre),
        "pad": _pad(plan, bars, players.get("pad"), chord_centre),
        "bass": _bass(plan, chance.at("bass line"), bars, players.get("bass"), bass_centre),
    }
    parts = []
    for role, timbre in players.items():
        cents = exact(tuning + chance.between(-3.0, 3.0, "detune", timbre.name), 8)
        preset = chance.pick(timbre.presets, "preset", timbre.name)
        parts.append(_within(plan, Part(timbre, preset, levels[role], cents, tuple(scores[role])), length))
    return tuple(part for part in parts if part.notes)


def _within(plan: Plan, part: Part, length: int) -> Part:
    """The part swung and cut: no note starts in the last moments, where it would hardly be heard, and none lasts past the end."""
    latest = length - _SETTLING_MS * plan.bpm * TICKS // 60000
    notes = []
    for note in part.notes:
        start = swung(note.start, plan.swing)
        if start <= latest:
            until = max(start + 2, swung(note.start + note.ticks, plan.swing))
            notes.append(Note(start, min(until, length) - start, note.pitch, note.velocity))
    return replace(part, notes=tuple(notes))


def _moved(notes: list[Note], ticks: int) -> list[Note]:
    return [replace(note, start=note.start + ticks) for note in notes]


def _melody(plan: Plan, chance: Chance, bars: list[Bar], timbre: Timbre, centre: int) -> list[Note]:
    """The tune: A and B have a motif each, B a little higher; silent in the introduction."""
    slow = plan.bpm < 80
    density = chance.weighted(
        (("sparse", 0.4 if slow else 0.8), ("medium", 2.0), ("busy", 1.2 if slow or (plan.feel == "lively" and plan.bpm < 140) else 0.3)),
        "density",
    )
    tunes: dict[str, list[Note]] = {}
    for name, lift in (("A", 0), ("B", 2)):
        row: list[Chord] = []
        for bar in bars:
            if bar.section == name and (bar.place > 0 or not row):
                row.append(bar.harmony)
            elif row:
                break
        if row:
            tunes[name] = phrase(chance.at(name), tuple(row), plan.beats, density, centre + lift, timbre.low, timbre.high, plan.energy)
    notes: list[Note] = []
    for at, bar in enumerate(bars):
        if bar.place == 0 and bar.section in tunes:
            notes += _moved(tunes[bar.section], at * plan.bar)
    end = len(bars) * plan.bar
    return [note for note in notes if note.start < end]


def _comping(plan: Plan, chance: Chance, bars: list[Bar], timbre: Timbre, centre: int) -> list[Note]:
    styles = [
        style
        for style in plan.genre.comping
        if (style != "waltz" or plan.beats == 3) and (style != "block" or timbre.holds or plan.bpm > 76)
    ]
    if plan.beats == 3 and "waltz" in styles and chance.yes(0.6, "waltz"):
        styles = ["waltz"]
    style = chance.pick(styles or ["pulse"], "style")
    notes: list[Note] = []
    voicing: tuple[int, ...] = ()
    for at, bar in enumerate(bars):
        voicing = voiced(bar.harmony, centre, voicing, max(timbre.low, centre - 12), min(timbre.high, centre + 14))
        shape = (nearest(bar.harmony.root, max(centre - 12, timbre.low + 6)),) if style == "power" else voicing
        notes += _moved(comped(style, shape, plan.beats, chance.at(bar.place), plan.energy), at * plan.bar)
    return notes


def _pad(plan: Plan, bars: list[Bar], timbre: Timbre | None, centre: int) -> list[Note]:
    if timbre is None:
        return []
    notes: list[Note] = []
    voicing: tuple[int, ...] = ()
    for at, bar in enumerate(bars):
        voicing = voiced(bar.harmony, centre + 2, voicing, max(timbre.low, centre - 12), min(timbre.high, centre + 16))
        notes += [Note(at * plan.bar, plan.bar, pitch, 0.7) for pitch in voicing]
    return notes


def _bass(plan: Plan, chance: Chance, bars: list[Bar], timbre: Timbre | None, centre: int) -> list[Note]:
    if timbre is None:
        return []
    style = chance.pick(plan.genre.bass_lines, "style")
    notes: list[Note] = []
    for at, bar in enumerate(bars):
        if bar.section != "intro":
            notes += _moved(bass_bar(style, bar.harmony, bar.following, centre, timbre.low, plan.beats, plan.energy), at * plan.bar)
    return notes


def drummed(plan: Plan, chance: Chance, bars: list[Bar], length: int) -> Beat:
    """The drummer's part of `length` ticks."""
    kit = chance.pick([kit for kit in kits() if kit.preset in plan.genre.kits], "kit")
    groove = chance.pick(plan.genre.grooves, "groove")
    strokes: list[Stroke] = []
    for at, bar in enumerate(bars):
        opening = bar.place == 0 and at > 0 and kit.preset != "brushes"
        row = groove_bar(
            groove, plan.beats, chance.at("groove", bar.place), bar.last and at > 0, opening, bar.section == "intro", plan.energy
        )
        strokes += [Stroke(swung(stroke.start + at * plan.bar, plan.swing), stroke.name, stroke.velocity) for stroke in row]
    return Beat(kit, 0.09 + 0.04 * plan.energy, tuple(stroke for stroke in strokes if stroke.start < length - 2))
