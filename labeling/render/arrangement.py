"""Every player's notes, from the form."""

from dataclasses import dataclass, replace

from labeling.render.accompaniment import bass_bar, comped
from labeling.render.casting import CENTRES
from labeling.render.chance import Chance
from labeling.render.drums import Kit, groove_bar, kits
from labeling.render.form import Bar, Plan
from labeling.render.harmony import Chord, nearest, voiced
from labeling.render.instruments import Preset, Timbre
from labeling.render.melody import phrase
from labeling.render.notes import TICKS, Note, Stroke, swung
from labeling.render.oscillators import exact

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
