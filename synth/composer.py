"""From (seed, index) to a score and the truth about it: genre, tempo, key and register first, then form, then every part."""

from dataclasses import dataclass

from noise2music.core.errors import UserError
from noise2music.synth.arrangement import Beat, Part, Plan, arranged, cast, drummed, form
from noise2music.synth.chance import Chance
from noise2music.synth.effects import Reverb
from noise2music.synth.genres import genres
from noise2music.synth.harmony import KEYS
from noise2music.synth.oscillators import exact
from noise2music.synth.parts import TICKS
from noise2music.synth.truth import MOODS, REGISTERS, Truth, arousal, invented_artist, invented_title


@dataclass(frozen=True)
class Composition:
    """A score of `seconds`, with the truth about it."""

    seed: int
    index: int
    seconds: float
    parts: tuple[Part, ...]
    beat: Beat | None
    room: Reverb
    truth: Truth
    title: str
    artist: str


def compose(seed: int, index: int, seconds: float = 30.0) -> Composition:
    """Piece `index` of a seed, `seconds` long (1 to 600): a pure function of its arguments. Raises UserError."""
    if not 1.0 <= seconds <= 600.0:
        raise UserError(f"a piece of {seconds} s cannot be composed; choose between 1 and 600 seconds")
    chance = Chance(seed, (index,))
    genre = chance.pick(genres(), "genre")
    bpm = chance.whole(*genre.bpm, "bpm")
    has_drums = chance.yes(genre.drums, "drums")
    plan = Plan(
        genre,
        bpm,
        3 if chance.yes(genre.triple, "triple") else 4,
        chance.whole(0, 11, "key"),
        "minor" if chance.yes(genre.minor, "mode") else "major",
        chance.weighted(((REGISTERS[0], 0.28), (REGISTERS[1], 0.44), (REGISTERS[2], 0.28)), "register"),
        arousal(bpm, has_drums, genre.push),
        chance.yes(genre.swing, "swing"),
    )
    length = int(seconds * 1000) * bpm * TICKS // 60000
    bars = form(plan, chance, length // plan.bar + 1)
    players = cast(plan, chance, has_drums)
    parts = arranged(plan, chance, bars, players, length)
    beat = drummed(plan, chance, bars, length) if has_drums else None
    heard = tuple(dict.fromkeys([part.timbre.name for part in parts] + ([beat.kit.name] if beat else [])))
    moods = chance.some(MOODS[plan.mode, plan.feel], 2, "moods")
    if genre.moods and chance.yes(0.5, "genre mood"):
        moods = (*moods, chance.pick(genre.moods, "which genre mood"))
    truth = Truth(genre.name, heard, moods, bpm, KEYS[plan.tonic], plan.mode, plan.register, beat is not None, plan.beats)
    roomy = 0.16 if plan.feel == "calm" else 0.0
    room = Reverb(
        exact(chance.between(0.06, 0.26, "wet") + roomy, 10),
        exact(chance.between(0.5, 1.9, "room") + 6 * roomy, 10),
        exact(chance.between(0.05, 0.42, "damping"), 10),
    )
    title, artist = invented_title(chance.at("title")), invented_artist(chance.at("artist"))
    return Composition(seed, index, seconds, parts, beat, room, truth, title, artist)
