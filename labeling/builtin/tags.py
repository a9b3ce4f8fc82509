"""The short captions of the built-in vocabulary: single tags, each of one category."""

from dataclasses import dataclass
from typing import Literal

from labeling.builtin.genres import GENRES
from labeling.builtin.instruments import INSTRUMENTS
from labeling.builtin.moods import MOODS
from labeling.builtin.productions import PRODUCTIONS
from labeling.builtin.tempos import TEMPOS
from labeling.builtin.uses import USES
from labeling.builtin.voices import VOICES

Category = Literal["genre", "instrument", "mood", "tempo", "voice", "production", "use"]

LISTS: dict[Category, tuple[str, ...]] = {
    "genre": GENRES,
    "instrument": INSTRUMENTS,
    "mood": MOODS,
    "tempo": TEMPOS,
    "voice": VOICES,
    "production": PRODUCTIONS,
    "use": USES,
}


@dataclass(frozen=True)
class BuiltinTag:
    """One short caption and the category it was written under."""

    text: str
    category: Category

    @property
    def is_label(self) -> bool:
        """Whether the tag may label music. Scorers do not understand "no guitar": they hear the guitar. Voice is what they know absent."""
        return self.category == "voice" or not self.text.startswith("no ")


def builtin_tags() -> list[BuiltinTag]:
    """All built-in tags, category by category, each text once."""
    return [BuiltinTag(text, category) for category, texts in LISTS.items() for text in texts]
