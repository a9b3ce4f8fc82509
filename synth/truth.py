"""What is true of a rendered piece, and how one would say it; and its title and artist, which nobody has (data/names.toml)."""

from dataclasses import dataclass
from functools import cache

from pydantic import ConfigDict

from noise2music.core.data_files import Words, read_toml
from noise2music.synth.chance import Chance

MOODS: dict[tuple[str, str], tuple[str, ...]] = {
    ("major", "lively"): ("happy", "joyful", "energetic", "uplifting", "lively", "upbeat"),
    ("major", "steady"): ("cheerful", "warm", "hopeful", "carefree", "bright"),
    ("major", "calm"): ("calm", "peaceful", "gentle", "relaxing", "serene"),
    ("minor", "lively"): ("intense", "tense", "dramatic", "fierce", "restless"),
    ("minor", "steady"): ("dark", "mysterious", "brooding", "nostalgic", "serious"),
    ("minor", "calm"): ("sad", "melancholic", "somber", "lonely", "mournful"),
}
REGISTERS = ("low", "middle", "high")
_REGISTER_TAGS = {"low": "low register", "middle": "middle register", "high": "high register"}


@dataclass(frozen=True)
class Truth:
    """Facts of a piece. `instruments` sound in it, the leading one first, drums (under their kit's name) last; `beats` is per bar."""

    genre: str
    instruments: tuple[str, ...]
    moods: tuple[str, ...]
    bpm: int
    key: str
    mode: str
    register: str
    drums: bool
    beats: int

    @property
    def tempo(self) -> str:
        """slow, medium or fast."""
        return "slow" if self.bpm < 84 else "medium" if self.bpm < 116 else "fast"

    def tags(self) -> tuple[str, ...]:
        """Short words and phrases, all true."""
        rhythm = (*(("drums",) if self.drums else ("no drums",)), *(("waltz",) if self.beats == 3 else ()))
        alone = (f"solo {self.instruments[0]}",) if len(self.instruments) == 1 else ()
        tempo = f"{self.tempo} tempo"
        return tuple(
            dict.fromkeys(
                (self.genre, *self.instruments, *alone, *self.moods, tempo, f"{self.mode} key", _REGISTER_TAGS[self.register], *rhythm)
            )
        )

    def captions(self) -> tuple[str, ...]:
        """Sentences, all true."""
        players = listed(self.instruments)
        moods = listed(self.moods)
        drums = "A drum beat keeps the time." if self.drums else "There are no drums."
        metre = "in three-four time" if self.beats == 3 else "in four-four time"
        return (
            f"{article(self.moods[0])} {self.genre} piece with {players}.",
            f"The music is {moods}, at a {self.tempo} tempo of {self.bpm} beats per minute.",
            f"It is in {self.key} {self.mode}, {metre}.",
            f"The {self.instruments[0]} plays in the {self.register} register.",
            drums,
        )


def arousal(bpm: int, drums: bool, push: int) -> str:
    """How lively a piece feels: "calm", "steady" or "lively". `push`: the genre's liveliness in bpm."""
    felt = bpm + push + (12 if drums else 0)
    return "calm" if felt < 92 else "steady" if felt < 124 else "lively"


def listed(words: tuple[str, ...]) -> str:
    """a; a and b; a, b and c."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def article(word: str) -> str:
    """The word after "A" or "An"."""
    return f"{'An' if word[0] in 'aeiou' else 'A'} {word}"


@dataclass(frozen=True)
class _Names:
    __pydantic_config__ = ConfigDict(extra="forbid")

    first: Words
    second: Words
    place: Words
    given: Words
    family: Words
    group: Words


@cache
def _names() -> _Names:
    return read_toml(__package__, "names.toml", _Names)


def invented_title(chance: Chance) -> str:
    """An invented title."""
    first, second = chance.pick(_names().first, "first"), chance.pick(_names().second, "second")
    place = chance.pick(_names().place, "place")
    shapes = (
        f"{first} {second}",
        f"{first} {second}",
        f"{second} at {place}",
        f"The {first} {second}",
        f"{first} {second}, No. {chance.whole(1, 12, 'number')}",
    )
    return chance.pick(shapes, "shape")


def invented_artist(chance: Chance) -> str:
    """An invented artist."""
    given, family = chance.pick(_names().given, "given"), chance.pick(_names().family, "family")
    if chance.yes(0.6, "person"):
        return f"{given} {family}"
    return chance.pick(_names().group, "group").format(
        first=chance.pick(_names().first, "group first"), second=chance.pick(_names().second, "group second"), given=given
    )
