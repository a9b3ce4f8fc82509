"""Sentence forms, and which words may stand together.

Fields of a form: genre, music ("folk music"), piece, mood, mood2, mood3, pace, tempo, bpm, scene, production.
lead, lead2, chords, bass and beat are bare ("soft piano"); with `a_` in front they have an article.
lead_plays, chords_play, bass_plays, beat_plays and voice_sings are clauses; vocals is "soft female vocals".
no_voice and no_drums are absences, which are left out where another word would contradict them.
"""

from labeling.builtin.characters import FAST, MEDIUM, Character
from labeling.builtin.lists import comma_list
from labeling.builtin.styles import STYLES

FORMS = (
    "a {pace} {genre} {piece} with {lead} and {chords}, {mood} and {mood2}.",
    "a {mood} {genre} {piece} with {lead}, {chords} and {bass}.",
    "{mood} {music} featuring {a_lead} over {a_chords}.",
    "this is a {mood}, {pace} {genre} {piece} led by {a_lead}.",
    "{lead_plays} while {chords_play}.",
    "{lead_plays} over {a_bass} in this {mood} {genre} {piece}.",
    "{beat_plays} as {lead_plays}.",
    "{beat_plays} and {bass_plays}, giving the {genre} {piece} a {mood} feel.",
    "the {piece} is {pace} and {mood}: {chords_play} and {lead_plays}.",
    "{lead}, {chords} and {beat} in a {mood} {genre} {piece}.",
    "{mood} and {mood2} {music} for {scene}.",
    "a {pace} {genre} {piece} for {scene}, with {lead} and {chords}.",
    "{music} that would suit {scene}: {mood}, {pace}, with {a_lead}.",
    "imagine {scene}: {mood} {music} with {lead} and {bass}.",
    "{voice_sings} over {a_chords} in a {mood} {genre} song.",
    "a {pace} {genre} song with {vocals}, {lead} and {beat}.",
    "{voice_sings} while {beat_plays}.",
    "{voice_sings} and {chords_play}; the mood is {mood}.",
    "{mood} {genre} song in which {voice_sings}, backed by {chords} and {bass}.",
    "{vocals} with {chords} in a {mood}, {pace} {genre} {piece}.",
    "an instrumental {genre} {piece} with {no_voice}, just {lead} and {chords}.",
    "instrumental {music}, {mood} and {pace}, with {a_lead} and {no_voice}.",
    "{mood} {music} with {no_drums}, only {lead} and {chords}.",
    "{no_voice}, only {a_lead}, {a_bass} and {a_beat} in a {mood} {genre} groove.",
    "solo {lead_name}, {mood} and {mood2}, in a {genre} style.",
    "a {mood} duet of {lead_name} and {lead2_name} in a {genre} style.",
    "{music} at about {bpm} BPM with {lead}, {bass} and {beat}.",
    "a {genre} {piece} at {bpm} beats per minute, {mood} and {mood2}, with {chords}.",
    "{pace} and {mood}, this {genre} {piece} is carried by {touch} {chords_name}.",
    "{lead} and {chords} at a {tempo} tempo in a {mood} {genre} {piece}.",
    "the tempo is {tempo} and the mood is {mood}: {music} with {lead} and {bass}.",
    "{genre} with {lead}, {mood}, {tempo} tempo, for {scene}.",
    "{mood} {genre}, {pace}, {lead}, {chords}, {beat}.",
    "{genre}, {mood}, {pace}, {lead}, {no_voice}.",
    "a {production} {genre} {piece} with {lead} and {bass}, {mood} in mood.",
    "the sound is {production}: {lead_plays} and {chords_play}.",
    "{music} with {a_lead} playing {touch}, {line} lines over {chords} and {beat}.",
    "it starts with {a_chords} before {lead_plays}; the feeling is {mood}.",
    "a {mood} melody on {a_lead}, answered by {a_lead2}, over {bass}.",
    "{a_lead} in front, {a_chords} behind and {a_beat} keeping time, {mood} and {pace}.",
    "{pace} {music} with a {drumming} beat of {beat_name} and a {line} melody on {a_lead}.",
    "I want a {mood} {genre} {piece} with {lead} and {chords} for {scene}.",
    "something {mood} and {mood2} with {a_lead}, like {music} for {scene}.",
    "background music for {scene}, {mood}, with {lead} and {chords}.",
    "{mood}, {mood2} and {mood3} {music} played on {a_lead} with {chords}.",
)

_ONLY_IN: dict[str, tuple[str, ...]] = {
    "dark ambient": ("dark", "strange"),
    "new age": ("calm", "warm"),
    "drone": ("calm", "dark", "strange"),
    "easy listening": ("warm",),
    "jazz ballad": ("warm", "calm", "sad"),
    "smooth jazz": ("warm", "groovy", "calm"),
    "cool jazz": ("groovy", "calm", "warm"),
    "hard bop": ("groovy", "happy"),
    "lullaby": ("calm", "warm"),
    "cartoon": ("happy",),
    "uplifting trance": ("energetic",),
    "doom metal": ("dark",),
    "thrash metal": ("energetic", "tense"),
    "death metal": ("energetic", "dark"),
    "fado": ("sad", "warm"),
    "bolero": ("sad", "warm"),
    "desert blues": ("groovy", "warm"),
    "platform game": ("happy", "energetic"),
    "circus": ("happy", "energetic"),
    "military march": ("epic", "energetic"),
    "liquid drum and bass": ("energetic",),
    "industrial techno": ("dark", "energetic", "tense"),
    "deep house": ("groovy", "energetic"),
    "polka": ("happy", "energetic"),
    "surf rock": ("happy", "energetic", "groovy"),
}

PULSE: dict[str, tuple[tuple[str, ...], tuple[int, int]]] = {
    "techno": ((*FAST, "driving", "steady"), (122, 138)),
    "house": (("up-tempo", "steady", "driving"), (116, 128)),
    "trance": ((*FAST, "driving"), (130, 142)),
    "drum and bass": (FAST, (160, 178)),
    "punk": (FAST, (140, 190)),
    "reggae": (("relaxed", "laid-back", *MEDIUM), (68, 92)),
    "hip hop": (("relaxed", "laid-back", *MEDIUM), (70, 98)),
    "lofi": (("slow", "relaxed", "laid-back", "unhurried"), (66, 90)),
}
"""Styles that keep their own tempo whatever the character: pace and beats a minute."""

_GENTLE = ("calm", "sad", "warm")
_LOUD_WORDS = frozenset(
    comma_list("distorted, overdriven, shouting, screaming, growling, blast, power, loud, supersaw, wobble, acid, shredding, snare, stabs")
)
_SOFT_WORDS = frozenset(comma_list("brushed, soft, whispering, humming, felt, dusty, fingerpicked"))
_GRIM_WORDS = frozenset(comma_list("rumbling, growling, screaming, dissonant, rumble"))

_MODERN_SCENES = frozenset(
    comma_list(
        "a street race, a car chase, a skateboarding video, a night of dancing, a racing game, running, a workout, a podcast intro, "
        "a rooftop bar, driving at night, a barber shop, the launch of a rocket, a heist film, breaking news, a stealth level in a game"
    )
)

_ANY_PRODUCTION = comma_list(
    "clean and polished, raw and unpolished, wide and spacious, close and dry, simply arranged, richly layered, echoing"
)
_PRODUCTION = {
    "electronic": comma_list("heavily compressed, crisp and digital, warm and analog, filtered, looping, bass-heavy"),
    "acoustic": comma_list("live-recorded, roomy, natural-sounding, reverberant, old-fashioned, unplugged"),
}
_FORMAL_STYLES = frozenset(
    comma_list("classical, baroque, orchestral, opera and choral, ambient, new age, gamelan, east asian, indian, noise and avant-garde")
)
_OLD_STYLES = frozenset(
    comma_list(
        "classical, baroque, opera and choral, marching, celtic, eastern european, flamenco, indian, middle eastern, "
        "east asian, gamelan, children"
    )
)
_NEVER_DRUMLESS = frozenset(comma_list("marching, punk, metal, techno, house, trance, drum and bass, hip hop, funk, reggae"))
_ELECTRONIC_STYLES = frozenset(comma_list("ambient, lofi, chiptune, pop, techno, house, trance, drum and bass, electronic, hip hop"))


def fitting_characters(style_name: str, genre: str) -> tuple[str, ...]:
    """The characters that a genre can have."""
    characters = STYLES[style_name].characters
    return tuple(name for name in characters if name in _ONLY_IN.get(genre, characters)) or characters


def suits(name: str, character_name: str) -> bool:
    """Whether an instrument or a voice fits a character: no screaming in a lullaby, no brushes in a workout."""
    words = set(name.split())
    if character_name in _GENTLE and words & _LOUD_WORDS:
        return False
    if character_name in ("energetic", "epic", "tense") and words & _SOFT_WORDS:
        return False
    return not (character_name in ("happy", "groovy") and words & _GRIM_WORDS)


def pieces(style_name: str, sung: bool) -> tuple[str, ...]:
    """Nouns for one piece of music in a style, with or without singing."""
    if style_name in _FORMAL_STYLES:
        return ("piece", "piece", "composition", "recording", "track")
    return ("song", "track", "tune") if sung else ("piece", "track", "tune")


def scenes(style_name: str, character: Character) -> tuple[str, ...]:
    """What the music could be for: no string quartet at a street race."""
    if style_name in _OLD_STYLES:
        return tuple(scene for scene in character.scenes if scene not in _MODERN_SCENES)
    return character.scenes


def drumless(style_name: str) -> bool:
    """Whether one would believe a piece of this style without drums."""
    return style_name not in _NEVER_DRUMLESS


def productions(style_name: str) -> tuple[str, ...]:
    """Adjectives of the sound that fit a style."""
    return _ANY_PRODUCTION + _PRODUCTION["electronic" if style_name in _ELECTRONIC_STYLES else "acoustic"]
