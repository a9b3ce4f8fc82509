"""What a table says of how music sounds: tags, instruments, tempo and key, made safe to store."""

import math
import re
from dataclasses import dataclass

from labeling.fields import clean_field, split_tags
from labeling.settings import FactColumns
from labeling.tables import Row

MAX_KEY_CHARACTERS = 40
SLOWEST, FASTEST = 10.0, 400.0
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


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
    """The facts of one row. A tempo that is no number between SLOWEST and FASTEST is unknown."""
    tags = split_tags(text for name in columns.tags for text in row.texts(name))
    instruments = split_tags(text for name in columns.instruments for text in row.texts(name))
    tempo = read_tempo("".join(row.texts(columns.tempo))) if columns.tempo else None
    key = clean_field(" ".join(text for name in columns.musical_key for text in row.texts(name)), MAX_KEY_CHARACTERS)
    return Facts(tags, instruments, tempo, key)


def read_tempo(text: str) -> float | None:
    """Beats a minute in a text such as "113", "113.5 bpm" or "~120"; None when there is no such number, or more than one."""
    found = _NUMBER.findall(text[:100])
    tempo = float(found[0]) if len(found) == 1 else math.nan
    return tempo if SLOWEST <= tempo <= FASTEST else None
