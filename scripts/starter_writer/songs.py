"""The grammar that the starter writer learnt from: made-up songs, what is said to be known of them, and descriptions that obey it.

Song i is a pure function of (seed, i). What a song's facts name is what its description names; what they leave open the description
chooses, and it chooses what goes together (labeling.captions.builtin).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from noise2music.core.data_files import comma_list
from noise2music.core.ids import hash_uniform
from noise2music.labeling.captions.builtin.characters import paces
from noise2music.labeling.captions.builtin.english import clause, polish, with_article
from noise2music.labeling.captions.builtin.forms import fitting_characters, productions, scenes, styles
from noise2music.labeling.captions.builtin.sentences import TEMPO_WORDS, Scene
from noise2music.labeling.captions.builtin.tags import tags_by_category
from noise2music.labeling.corpus.facts import Facts
from noise2music.labeling.corpus.songs import Song
from scripts.starter_writer.names import made_up_word, make_artist, make_title

CHOICES_PER_SONG = 192
SLOW_BELOW, FAST_FROM = 84, 116
"""Beats a minute: below the first a description says slow, from the second on fast, between them neither."""

_KEYS = tuple(f"{note} {mode}" for note in comma_list("C, C#, Db, D, Eb, E, F, F#, G, Ab, A, Bb, B") for mode in ("major", "minor"))
_NOISE = comma_list(
    "2010s, 2020s, creative commons, demo, favorites, english, berlin, album, single, live, free, soundcloud, remastered, cc0, unknown, "
    "loop, sample, stereo, misc, other, indie, best of, playlist, seen live, awesome"
)
_INSTRUMENTAL = comma_list("instrumental, no vocals, instrumental music")
_SUNG = {
    "female vocals": "female voice",
    "female vocalist": "female voice",
    "male vocals": "male voice",
    "male vocalist": "male voice",
    "vocals": "voice",
    "vocal": "voice",
    "singing": "voice",
    "choir": "choir",
}
_BEATS = frozenset(
    comma_list(
        "drums, drum, kick, beats, percussion, claps, handclaps, snaps, cymbals, hi-hats, tambourine, shaker, maracas, congas, bongos, "
        "tabla, djembe, timpani, cajon, cowbell, snare, toms, loop, machine, rimshots, breakbeats, claves, woodblock"
    )
)
_BASSES = frozenset(comma_list("bass, bassline, 808, drone, rumble"))
_NOT_ANYTHING = ("no ", "drumless", "solo instrument", "unaccompanied")

_OPENINGS = (
    "a {pace} {genre} {piece} with a {mood} and {mood2} character.",
    "a {mood}, {mood2} {genre} {piece}.",
    "this {genre} {piece} is {mood} and {mood2}.",
    "a {mood} {genre} {piece} at a {tempo} tempo.",
    "{mood} and {mood2} {music} with {a_lead} in front.",
    "a {mood} {genre} {piece} built around {a_lead}.",
    "{mood} {music} led by {a_lead}.",
    "a {pace}, {mood} {genre} {piece}.",
    "{pace} {music} with a {mood} feel.",
    "the {piece} has a {mood} mood and the sound of {music}.",
    "a {genre} {piece} that sounds {mood} and {mood2}.",
)
_TEMPO = (
    "the tempo is {tempo}, at about {bpm} BPM.",
    "it moves along at {bpm} BPM, which feels {tempo}.",
    "it keeps a {tempo} tempo of {bpm} BPM.",
    "the {piece} runs at about {bpm} beats per minute.",
)
_PLAIN_TEMPO = ("the tempo is {tempo} throughout.", "the rhythm stays {tempo} and even.")
_KEY = ("it is in {key}.", "the harmony stays in {key}.", "the {piece} is in the key of {key}.", "the melody moves in {key}.")
_TEMPO_AND_KEY = ("it is in {key} at about {bpm} BPM.", "the {piece} moves in {key} at a {tempo} {bpm} BPM.")
_NO_VOICE = (
    "there are no vocals.",
    "it is purely instrumental.",
    "the {piece} is instrumental, without any singing.",
    "there is no singing, only the instruments.",
)
_VOICE = ("{voice_sings} over the music.", "{voice_carries}.", "{voice_sings}.", "{voice_sings} in front of it all.")
_VERBS = {"carries": "carry the {piece}", "stands": "stand in front", "lies": "lie underneath", "sets": "set the rhythm"}
_LEAD_AND_CHORDS = ("{lead_plays} while {chords_play}.", "{lead_plays} over {a_chords}.", "{a_lead} and {a_chords} share the music.")
_LEAD = ("{lead_plays}.", "{lead_stands}.")
_BASS_AND_BEAT = ("{beat_plays} and {bass_plays}.", "{bass_plays} under {a_beat}.", "{beat_plays} with {a_bass} below.")
_BASS = ("{bass_plays}.", "{bass_lies}.")
_BEAT = ("{beat_plays}.", "{beat_sets}.")
_ALONE = ("{a_lead} is the only instrument.", "it is played on {a_lead} alone.")
_REST = ("{rest} can be heard as well.", "in the background there is also {rest}.", "the arrangement also has {rest}.")
_ALL = ("it features {all}.", "the instruments are {all}.", "it is played on {all}.")
_SOUND = ("the sound is {production}.", "the recording sounds {production}.", "the production is {production}.")
_SCENE = ("it would suit {scene}.", "it fits {scene}.", "this could be music for {scene}.")


@dataclass(frozen=True)
class MadeUpSong:
    """A song, and a description of it in two to five sentences that contradicts nothing that is known of the song."""

    song: Song
    description: str


class _Dice:
    """Choices from a stream of uniform numbers in (0, 1)."""

    def __init__(self, numbers: Iterator[float]) -> None:
        self._numbers = numbers

    def number(self) -> float:
        return next(self._numbers)

    def chance(self, share: float) -> bool:
        return self.number() < share

    def pick(self, options: Sequence[str]) -> str:
        return options[int(self.number() * len(options))]

    def some(self, options: Sequence[str], most: int) -> list[str]:
        """One to `most` different options, in any order."""
        drawn = [self.pick(options) for _ in range(1 + int(self.number() * most))]
        return list(dict.fromkeys(drawn))


class _Described(Scene):
    """A scene whose adjectives leave the tempo alone: it is said in words of its own."""

    def own_tempo(self, adjectives: Sequence[str]) -> Sequence[str]:
        return [word for word in adjectives if word not in TEMPO_WORDS]

    def decide(self, field: str) -> str:
        name, _, verb = field.partition("_")
        return clause(self[name], _VERBS[verb].format_map(self)) if verb in _VERBS else super().decide(field)


@dataclass(frozen=True)
class _Known:
    """What a description may not contradict, besides the words that its scene holds already."""

    sung: bool | None
    tempo: bool
    key: bool
    instruments: tuple[str, ...]


def made_up_song(seed: int, number: int) -> MadeUpSong:
    """Song `number` of the endless list that `seed` names."""
    slots = np.arange(CHOICES_PER_SONG, dtype=np.uint64)
    return _compose(_Dice(iter(hash_uniform(seed, np.full(1, number, np.uint64), slots).tolist())))


def _compose(dice: _Dice) -> MadeUpSong:
    style_name = dice.pick(tuple(styles()))
    genre = dice.pick(styles()[style_name].genres)
    character_name = dice.pick(fitting_characters(style_name, genre))
    scene = _Described(dice.pick, style_name, genre, character_name, frozenset())
    title, artist = make_title(dice.pick, character_name), make_artist(dice.pick)
    _draw_tempo(dice, scene)
    scene["key"] = dice.pick(_KEYS)
    tags = _draw_tags(dice, scene)
    sung, tag = _draw_voice(dice, scene)
    instruments = _draw_instruments(dice, scene) if dice.chance(0.6) else ()
    if tag is not None and sung and dice.chance(0.3):
        listed = (*instruments, tag)
    else:
        listed = instruments
        tags += [tag] if tag is not None else []
    known = _Known(sung, dice.chance(0.5), dice.chance(0.4), instruments)
    facts = Facts(
        tuple(sorted(dict.fromkeys(tags), key=lambda _: dice.number())),
        tuple(sorted(dict.fromkeys(listed), key=lambda _: dice.number())),
        float(scene["bpm"]) if known.tempo else None,
        scene["key"] if known.key else None,
    )
    song = Song.of(title, artist if dice.chance(0.95) else None, facts)
    return MadeUpSong(song, _describe(dice, scene, known))


def _draw_tempo(dice: _Dice, scene: Scene) -> None:
    low, high = (50, 190) if dice.chance(0.35) else scene.beats()
    bpm = low + int(dice.number() * (high - low + 1))
    pace, tempi = paces()["slow"], ("slow", "slow", "relaxed")
    if bpm >= SLOW_BELOW:
        pace, tempi = paces()["medium"], ("medium", "moderate", "medium")
    if bpm >= FAST_FROM:
        pace, tempi = paces()["fast"], ("fast", "fast", "quick")
    scene["bpm"], scene["pace"], scene["tempo"] = str(bpm), dice.pick(pace), dice.pick(tempi)


def _draw_tags(dice: _Dice, scene: Scene) -> list[str]:
    tags = []
    if dice.chance(0.75):
        if dice.chance(0.15):
            scene["genre"] = made_up_word(dice.pick)
        tags.append(scene["genre"].lower())
    if dice.chance(0.6):
        anyhow, moods = dice.chance(0.4), tags_by_category()["mood"]
        for name in ("mood", "mood2", "mood3")[: 1 + int(dice.number() * 3)]:
            scene[name] = scene.fresh([made_up_word(dice.pick)] if dice.chance(0.06) else moods) if anyhow else scene[name]
            tags.append(scene[name])
    return tags + [dice.pick(_NOISE) for _ in range(max(0, int(dice.number() * 4) - 1))]


def _draw_voice(dice: _Dice, scene: Scene) -> tuple[bool | None, str | None]:
    """Whether somebody sings, None when it is not said; and the tag that says so, None without one."""
    if dice.chance(0.25):
        return False, dice.pick(_INSTRUMENTAL)
    if dice.chance(0.3):
        tag = dice.pick(tuple(_SUNG))
        scene["voice"] = f"{scene.fresh(scene.character.singing)} {_SUNG[tag]}"
        return True, tag
    if scene.style.voices and dice.chance(0.35):
        return True, None
    return (False if dice.chance(0.2) else None), None


def _draw_instruments(dice: _Dice, scene: Scene) -> tuple[str, ...]:
    """One to five instruments: mostly of the style, some of any music, some that nobody has heard of."""
    style = scene.style
    own = [dice.pick(names) for names in (style.lead, style.chords, style.bass, style.beat) if names and dice.chance(0.65)]
    if dice.chance(0.3):
        own = dice.some([name for name in tags_by_category()["instrument"] if not name.startswith(_NOT_ANYTHING)], 4)
    if not own or dice.chance(0.15):
        own.append(made_up_word(dice.pick))
    return tuple(dict.fromkeys(name.lower() for name in own))


def _describe(dice: _Dice, scene: Scene, known: _Known) -> str:
    roles = _cast(scene, known.instruments)
    played = _playing(dice, scene, roles, bool(known.instruments))
    opening = dice.pick([form for form in _OPENINGS if "lead" not in form or roles["lead"]])
    rest = [form for form in (_tempo_and_key(dice, known), _voice_form(dice, known)) if form]
    for options in (_SOUND, _SCENE):
        rest += [dice.pick(options)] if dice.chance(0.25) else []
    scene["production"] = dice.pick(productions(scene.style_name))
    scene["scene"] = dice.pick(scenes(scene.style_name, scene.character))
    rest.sort(key=lambda _: dice.number())
    forms = [opening, *played, *rest[: 2 if len(played) > 1 else 3]]
    return " ".join(polish(form.format_map(scene)) for form in forms)


def _tempo_and_key(dice: _Dice, known: _Known) -> str | None:
    if known.tempo and known.key and dice.chance(0.5):
        return dice.pick(_TEMPO_AND_KEY)
    if known.tempo and dice.chance(0.7):
        return dice.pick(_TEMPO)
    if known.key and dice.chance(0.7):
        return dice.pick(_KEY)
    return dice.pick(_PLAIN_TEMPO) if dice.chance(0.15) else None


def _voice_form(dice: _Dice, known: _Known) -> str | None:
    if known.sung is None:
        return None
    return dice.pick(_VOICE if known.sung else _NO_VOICE)


def _cast(scene: Scene, instruments: Sequence[str]) -> dict[str, str]:
    """Who plays which part: the known instruments, or those that the style suggests. A part that nobody plays is empty."""
    style = scene.style
    if not instruments:
        roles = {"lead": style.lead, "chords": style.chords, "bass": style.bass, "beat": style.beat}
        cast = {role: scene.instrument(names) if names else "" for role, names in roles.items()}
    else:
        beats = [name for name in instruments if set(name.split()) & _BEATS]
        basses = [name for name in instruments if name not in beats and name.split()[-1] in _BASSES]
        others = [name for name in instruments if name not in beats and name not in basses]
        cast = {"lead": "", "chords": "", "bass": (basses or [""])[0], "beat": (beats or [""])[0]}
        cast |= dict(zip(("lead", "chords"), others, strict=False))
        scene["rest"] = _listing([*others[2:], *basses[1:], *beats[1:]])
    for role, name in cast.items():
        if name:
            scene[f"{role}_name"] = name
    return cast


def _playing(dice: _Dice, scene: Scene, cast: dict[str, str], is_known: bool) -> list[str]:
    """One or two forms that name every instrument of the cast, or some of those that are only suggested."""
    names = [name for name in cast.values() if name]
    if is_known and len(names) > 1 and dice.chance(0.25):
        scene["all"] = _listing([*names, *([scene["rest"]] if scene["rest"] else [])])
        return [dice.pick(_ALL)]
    melodic: tuple[str, ...] = _LEAD_AND_CHORDS if cast["chords"] else _LEAD if cast["lead"] else ()
    low = _BASS_AND_BEAT if cast["bass"] and cast["beat"] else _BASS if cast["bass"] else _BEAT if cast["beat"] else ()
    if is_known and names == [cast["lead"]] and not scene["rest"]:
        melodic = (*_ALONE, *_LEAD)
    forms = [dice.pick(options) for options in (melodic, low) if options]
    if not is_known:
        return forms[: 1 + int(dice.number() * 2)]
    return forms + ([dice.pick(_REST)] if scene["rest"] else [])


def _listing(names: Sequence[str]) -> str:
    """'piano', 'drums' -> 'a piano and drums'."""
    listed = [name if " and " in name else with_article(name) for name in names]
    return " and ".join(filter(None, (", ".join(listed[:-1]), *listed[-1:])))
