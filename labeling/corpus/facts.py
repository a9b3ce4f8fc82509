"""Reads how music sounds from a table: tags, instruments, tempo and key, cleaned for storage."""

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from noise2music.core.tables.fields import clean_field, split_tags
from noise2music.core.tables.tables import Row
from noise2music.labeling.settings import FactColumns

MAX_KEY_CHARACTERS = 40
SLOWEST, FASTEST = 10.0, 400.0
_NUMBER = re.compile(r"\d+(?:\.\d+|,\d{1,2}(?!\d))?")
_WHOLE = re.compile(r"-?\d{1,3}")
_KEYS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MODES = {"0": "minor", "1": "major"}


@dataclass(frozen=True)
class Facts:
    """tags, instruments: lower case, each once. tempo: beats a minute. musical_key: for example "F# minor". Missing: empty or None."""

    tags: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    tempo: float | None = None
    musical_key: str | None = None


NO_FACTS = Facts()


def fact_names(columns: FactColumns) -> tuple[str, ...]:
    """The columns that `read_facts` looks at."""
    return (*columns.tags, *columns.instruments, *([columns.tempo] if columns.tempo else []), *columns.musical_key)


def read_facts(row: Row, columns: FactColumns) -> Facts:
    """The facts of one row. A tempo that is no number between SLOWEST and FASTEST is unknown. What cannot be read is noted in the row."""
    tags = split_tags(text for name in columns.tags for text in row.items(name))
    instruments = split_tags(text for name in columns.instruments for text in row.items(name))
    text = "".join(row.texts(columns.tempo)) if columns.tempo else ""
    tempo = read_tempo(text)
    if text.strip() and tempo is None:
        row.warn("tempo_unread", f"the tempo {text[:40]!r} is not one number from {SLOWEST:g} to {FASTEST:g}; it counts as unknown")
    texts = [text for name in columns.musical_key for text in row.texts(name)]
    key = read_key(texts)
    if texts and key is None and texts[0].strip() != "-1":
        row.warn("key_unread", f"the musical key {' '.join(texts)[:40]!r} has no meaning; it counts as unknown")
    return Facts(tags, instruments, tempo, key)


def read_tempo(text: str) -> float | None:
    """Beats a minute in a text such as "113", "113.5 bpm", "120,5" or "~120"; None when there is no such number, or more than one."""
    try:
        tempo = math.nan if "_" in text else float(text[:100])
    except ValueError:
        numbers = _NUMBER.findall(text[:100])
        tempo = float(numbers[0].replace(",", ".")) if len(numbers) == 1 else math.nan
    return tempo if SLOWEST <= tempo <= FASTEST else None


def read_key(texts: Iterable[str]) -> str | None:
    """The cells of a musical key -> "F# minor". Numbers are those of Spotify: 0 is C, 11 is B; mode 0 is minor, 1 major; key -1 is none.

    None when nothing is said, or numbers that mean no key.
    """
    words = " ".join(texts).split()
    if words and _WHOLE.fullmatch(words[0]):
        number = int(words[0])
        words[0] = _KEYS[number] if 0 <= number < len(_KEYS) else ""
    if len(words) == 2 and words[1] in _MODES:
        words[1] = _MODES[words[1]]
    if words and (not words[0] or any(_WHOLE.fullmatch(word) for word in words[1:])):
        return None
    return clean_field(" ".join(words), MAX_KEY_CHARACTERS)
