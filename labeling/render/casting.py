"""Who plays what."""

from collections import Counter
from functools import cache

from labeling.render.chance import Chance
from labeling.render.form import Plan
from labeling.render.genres import genres
from labeling.render.instruments import Timbre, instruments, soloists

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
