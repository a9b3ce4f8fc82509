"""The long captions of the built-in vocabulary: sentences composed by a grammar.

A sentence is a form (a template) filled from one scene: one style with its instruments and voices, and one character with its moods,
tempi and adjectives. Draw i is a pure function of (seed, i), so a longer list starts with the shorter one.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache
from string import Formatter

import numpy as np

from noise2music.core.ids import hash_uniform
from noise2music.labeling.captions.builtin.characters import Character, characters
from noise2music.labeling.captions.builtin.english import clause, polish, with_article
from noise2music.labeling.captions.builtin.forms import (
    Pulse,
    Style,
    drumless,
    fitting_characters,
    forms,
    pieces,
    productions,
    pulses,
    scenes,
    styles,
    suits,
)
from noise2music.labeling.captions.builtin.playing import verb_phrases

CHOICES_PER_SENTENCE = 64
DRAWS_AT_ONCE = 1024
PATIENCE = 50
SUNG = frozenset({"voice", "vocals", "a_voice", "voice_sings"})
TEMPO_WORDS = frozenset({"slow", "fast", "rapid", "brisk"})
PERSONS = frozenset({"man", "woman"})
BEATEN = frozenset({"beat", "beat_name", "a_beat", "beat_plays"})

Pick = Callable[[Sequence[str]], str]


class Scene(dict[str, str]):
    """Fills the fields of a form. A field is decided at its first use and stays the same within the sentence."""

    def __init__(self, pick: Pick, style_name: str, genre: str, character_name: str, fields: frozenset[str]) -> None:
        super().__init__()
        self.pick = pick
        self.style_name = style_name
        self.character_name = character_name
        self.fields = fields
        self.style: Style = styles()[style_name]
        self.character: Character = characters()[character_name]
        self.pulse: Pulse | None = pulses().get(style_name)
        self["genre"] = genre
        self.used: set[str] = set()

    def fresh(self, options: Sequence[str]) -> str:
        """Pick an option that shares no word with earlier picks, where there is one."""
        unused = [option for option in options if not self.used & set(option.split())]
        choice = self.pick(unused or [option for option in options if option not in self.used] or options)
        self.used |= {choice, *choice.split()}
        return choice

    def instrument(self, options: Sequence[str]) -> str:
        return self.fresh([name for name in options if suits(name, self.character_name)] or options)

    def dressed(self, name: str, adjectives: Sequence[str]) -> str:
        """The name; two times in three with an adjective in front that is not part of it."""
        if self.pick(("bare", "dressed", "dressed")) == "bare" or " " in name.replace(" guitar", "").replace(" piano", ""):
            return name
        return f"{self.fresh([word for word in adjectives if word not in name])} {name}"

    def __missing__(self, field: str) -> str:
        value = self.decide(field)
        self[field] = value
        return value

    def beats(self) -> tuple[int, int]:
        """Range of beats a minute."""
        return self.pulse.bpm if self.pulse else self.character.bpm

    def own_tempo(self, adjectives: Sequence[str]) -> Sequence[str]:
        """The adjectives without words of tempo, where the style has a tempo of its own."""
        return [word for word in adjectives if word not in TEMPO_WORDS] if self.pulse else adjectives

    def phrase(self, verb_phrases: Sequence[str]) -> str:
        verb_phrase = self.pick([option for option in verb_phrases if option not in self.used])
        self.used.add(verb_phrase)
        return verb_phrase.format_map(self)

    def decide(self, field: str) -> str:
        character, style, pick = self.character, self.style, self.pick
        match field:
            case "mood" | "mood2" | "mood3":
                return self.fresh([word for word in character.moods if word not in self["genre"].lower()])
            case "pace":
                return self.fresh(self.pulse.pace if self.pulse else character.pace)
            case "tempo":
                low, high = self.beats()
                return "fast" if low > 105 else "slow" if high < 95 else pick(("medium", "moderate"))
            case "bpm":
                low, high = self.beats()
                return pick([str(beats) for beats in range(low, high + 1)])
            case "line":
                return self.fresh(self.own_tempo(character.line))
            case "touch":
                return self.fresh(character.touch)
            case "drumming":
                return self.fresh(self.own_tempo(character.drumming))
            case "scene":
                return pick(scenes(self.style_name, character))
            case "lead_name" | "lead2_name":
                return self.instrument(style.lead)
            case "chords_name":
                return self.instrument(style.chords)
            case "bass_name":
                return self.instrument(style.bass)
            case "beat_name":
                return self.instrument(style.beat)
            case "lead" | "lead2" | "chords":
                return self.dressed(self[f"{field}_name"], character.touch)
            case "bass":
                return self["bass_name"]
            case "beat":
                return self.dressed(self["beat_name"], self.own_tempo(character.drumming))
            case "voice":
                voice = pick([name for name in style.voices if suits(name, self.character_name)] or style.voices)
                plain = voice not in PERSONS and (" " not in voice or voice.startswith(("female", "male")))
                return f"{self.fresh(character.singing)} {voice}" if plain else voice
            case "vocals":
                if self["voice"] in PERSONS:
                    return f"a {self['voice']} singing"
                return self["voice"].removesuffix("voice") + "vocals" if self["voice"].endswith("voice") else with_article(self["voice"])
            case "a_lead" | "a_lead2" | "a_chords" | "a_bass" | "a_beat" | "a_voice":
                return with_article(self[field.removeprefix("a_")])
            case "lead_plays":
                return clause(self["lead"], self.phrase(verb_phrases("leading", self["lead"])))
            case "lead2_plays":
                return clause(self["lead2"], self.phrase(verb_phrases("leading", self["lead2"])))
            case "chords_play":
                return clause(self["chords"], self.phrase(verb_phrases("accompanying", self["chords"])))
            case "bass_plays":
                return clause(self["bass"], self.phrase(verb_phrases("bassing", self["bass"])))
            case "beat_plays":
                return clause(self["beat"], self.phrase(verb_phrases("drumming", self["beat"])))
            case "voice_sings":
                return clause(self["voice"], self.phrase(verb_phrases("singing", self["voice"])))
            case "music":
                return (
                    self["genre"]
                    if self["genre"].endswith(("score", "soundtrack", "ballad", "trio", "music"))
                    else f"{self['genre']} music"
                )
            case "piece":
                return pick(pieces(self.style_name, bool(self.fields & SUNG)))
            case "production":
                return pick(productions(self.style_name))
            case "no_voice":
                return pick(("no vocals", "no singing", "no voice"))
            case "no_drums":
                return pick(("no drums", "no drums at all", "no percussion"))
        raise KeyError(field)


@cache
def _fields(form: str) -> frozenset[str]:
    return frozenset(name for _, name, _, _ in Formatter().parse(form) if name)


def compose(choices: Iterator[float]) -> str:
    """One sentence from a stream of uniform numbers in (0, 1)."""

    def pick(options: Sequence[str]) -> str:
        return options[int(next(choices) * len(options))]

    style_name = pick(tuple(styles()))
    genre = pick(styles()[style_name].genres)
    character_name = pick(fitting_characters(style_name, genre))
    form = pick([form for form in forms() if _possible(form, style_name)])
    return polish(form.format_map(Scene(pick, style_name, genre, character_name, _fields(form))))


@cache
def _possible(form: str, style_name: str) -> bool:
    style, fields = styles()[style_name], _fields(form)
    melodic = " ".join(style.lead + style.chords)
    return not (
        (not style.voices and fields & SUNG)
        or (not style.beat and fields & BEATEN)
        or ("no_drums" in fields and ("drum" in melodic or not drumless(style_name)))
        or ("no_voice" in fields and "choir" in melodic)
    )


def builtin_sentences(count: int = 4000, seed: int = 0) -> list[str]:
    """`count` distinct sentences, a pure function of (count, seed); a longer list starts with the shorter one.

    Raises ValueError when the grammar does not yield that many.
    """
    sentences: dict[str, None] = {}
    slots = np.arange(CHOICES_PER_SENTENCE, dtype=np.uint64)[None, :]
    for start in range(0, PATIENCE * count + DRAWS_AT_ONCE, DRAWS_AT_ONCE):
        draws = np.arange(start, start + DRAWS_AT_ONCE, dtype=np.uint64)[:, None]
        for row in hash_uniform(seed, draws, slots).tolist():
            if len(sentences) == count:
                return list(sentences)
            sentences[compose(iter(row))] = None
    raise ValueError(f"the grammar yields {len(sentences)} distinct sentences from {PATIENCE * count} draws, not {count}")
