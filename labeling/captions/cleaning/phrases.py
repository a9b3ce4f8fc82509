"""Searches a sentence for phrases of a list, with one look-up a word.

One phrase a line. `a|b` is one word or the other, `(a|b)` is optional, `*` is any word, `#` a number, `Name` a word with a capital, `^` the
start of the sentence. "hit single|song" finds "a hit song". A line that starts with `;` is a comment.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import cache

from noise2music.core.data_files import read_text
from noise2music.core.errors import UserError

_TOKEN = re.compile(r"[^\W_]+(?:[-'&][^\W_]+)*")

Element = tuple[frozenset[str], bool]
"""The words that fit here, and whether the element is optional."""


class Phrases:
    """A list of phrases, prepared for searching."""

    def __init__(self, text: str) -> None:
        self.lines = tuple(line for line in map(str.strip, text.splitlines()) if line and not line.startswith(";"))
        self._by_first: dict[str, list[tuple[bool, tuple[Element, ...]]]] = defaultdict(list)
        for line in self.lines:
            starts = line.startswith("^")
            elements = tuple(_element(word) for word in line.removeprefix("^").split())
            if elements[0][1]:
                raise ValueError(f"the first word of a phrase must be there: {line}")
            for first in elements[0][0]:
                self._by_first[first].append((starts, elements[1:]))

    def are_in(self, text: str) -> bool:
        """Whether the text holds one of the phrases."""
        words = _TOKEN.findall(text.replace("’", "'"))
        lower = [word.lower() for word in words]
        for position, word in enumerate(lower):
            for starts, rest in self._by_first.get(word, ()):
                if (position == 0 or not starts) and _follows(rest, words, lower, position + 1):
                    return True
        return False


@cache
def read_phrases(name: str) -> Phrases:
    """The phrases of a data file, read once a process. Raises UserError, which names the file and the phrase."""
    try:
        return Phrases(read_text(__package__, name))
    except ValueError as error:
        raise UserError(f"{__package__}, data/{name}: {error}") from error


def _element(word: str) -> Element:
    bare = word.strip("()")
    return frozenset(bare.split("|")), bare != word


def _follows(elements: Sequence[Element], words: Sequence[str], lower: Sequence[str], position: int) -> bool:
    if not elements:
        return True
    (options, is_optional), rest = elements[0], elements[1:]
    if position < len(words) and _fits(options, words[position], lower[position]) and _follows(rest, words, lower, position + 1):
        return True
    return is_optional and _follows(rest, words, lower, position)


def _fits(options: frozenset[str], word: str, lower: str) -> bool:
    return lower in options or "*" in options or ("#" in options and word[0].isdigit()) or ("Name" in options and word[0].isupper())
