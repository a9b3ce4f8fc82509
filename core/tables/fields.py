"""Cleans text from outside (tags in files, cells of a metadata table) for storage: bounded, one line, no control characters."""

import re
import unicodedata
from collections.abc import Iterable

from noise2music.core.tables.cell_items import MISSING

MAX_FIELD_CHARACTERS = 500
MAX_TAG_CHARACTERS = 100
MAX_TAGS = 100

_SEPARATOR = re.compile(r"[,;|]")
_MTG_GROUP = re.compile(r"^(?:genre|instrument|mood/theme)---")
_DROPPED = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
"""Marks that turn the direction of the text around them, and the byte order mark."""


def clean_field(text: str, limit: int = MAX_FIELD_CHARACTERS) -> str | None:
    """NFC, one space between words, no control characters, at most `limit` characters (a cut ends with an ellipsis).

    None when nothing is left.
    """
    long = len(text) > 4 * limit
    line = unicodedata.normalize("NFC", text[: 4 * limit])
    line = "".join(mark for mark in line if mark.isspace() or (unicodedata.category(mark) not in ("Cc", "Cs") and mark not in _DROPPED))
    line = " ".join(line.split())
    if len(line) > limit or (long and line):
        line = line[: limit - 1].rstrip() + "…"
    return line or None


def split_tags(values: Iterable[str]) -> tuple[str, ...]:
    """Cells that hold tags separated by comma, semicolon or bar -> each tag once, lower case, in order; at most MAX_TAGS.

    Texts that pandas writes for missing values are no tags. The prefix of MTG-Jamendo's tags ("genre---rock") is removed.
    """
    tags: dict[str, None] = {}
    for value in values:
        for piece in _SEPARATOR.split(value[: 4 * MAX_TAGS * MAX_TAG_CHARACTERS]):
            tag = clean_field(piece, MAX_TAG_CHARACTERS)
            tag = _MTG_GROUP.sub("", tag) if tag else None
            if tag and tag not in MISSING:
                tags[tag.lower()] = None
    return tuple(tags)[:MAX_TAGS]
