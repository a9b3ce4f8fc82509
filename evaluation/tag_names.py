"""Whether a caption names a tag: the tag itself, or another word for it (data/label_truth.toml)."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt

from noise2music.core.data_files import Words, read_toml

Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class TempoWord:
    """What a tempo below so many beats a minute is called."""

    below: float
    word: str


@dataclass(frozen=True)
class TruthWords:
    """columns: usual names of columns, by kind. tempo: in rising order. names: a tag's other words."""

    columns: Mapping[str, Words]
    tempo: tuple[TempoWord, ...]
    names: Mapping[str, Words]


@cache
def truth_words() -> TruthWords:
    """The data file. Raises UserError."""
    return read_toml(__package__, "label_truth.toml", TruthWords)


def tempo_word(beats_a_minute: float) -> str:
    """ "slow", "medium tempo" or "fast"."""
    words = truth_words().tempo
    return next((step.word for step in words if beats_a_minute < step.below), words[-1].word)


@cache
def tag_pattern(tag: str) -> re.Pattern[str]:
    """Finds a tag's words in a caption as whole words, whatever the case, in the plural too; "no drums" and "without drums" do not name
    drums.
    """
    return re.compile(rf"(?<!\bno )(?<!\bwithout )\b(?:{'|'.join(map(_phrase, _phrases(tag)))})(?!\w)", re.IGNORECASE)


class Naming:
    """Which of some captions name a tag. captions: each once; `places` says where."""

    def __init__(self, captions: Iterable[str]) -> None:
        self.captions: Sequence[str] = sorted(set(captions))
        self.places = {caption: place for place, caption in enumerate(self.captions)}
        self._folded = [caption.casefold() for caption in self.captions]
        self._of_tag: dict[str, Flags] = {}

    def by_tag(self, tag: str) -> Flags:
        """(captions,)."""
        if tag not in self._of_tag:
            search = tag_pattern(tag).search
            flags = np.zeros(len(self.captions), np.bool_)
            # Few captions hold the first word of a phrase, and looking for that is ten times as fast as the pattern.
            for first in {_tokens(phrase)[0].casefold() for phrase in _phrases(tag)}:
                for place in [place for place, caption in enumerate(self._folded) if first in caption]:
                    flags[place] = search(self.captions[place]) is not None
            self._of_tag[tag] = flags
        return self._of_tag[tag]

    def by_any(self, tags: Iterable[str]) -> Flags:
        """(captions,) that name at least one."""
        named: Any = np.zeros(len(self.captions), np.bool_)
        for tag in tags:
            named = named | self.by_tag(tag)
        return np.asarray(named, np.bool_)


def _phrases(tag: str) -> tuple[str, ...]:
    """The tag and its other words."""
    return tuple(dict.fromkeys((tag, *truth_words().names.get(tag.casefold(), ()))))


def _tokens(phrase: str) -> list[str]:
    return [word.removesuffix("*") for word in re.split(r"[\s-]+", phrase) if word] or [phrase]


def _phrase(phrase: str) -> str:
    return r"[\s-]*".join(map(re.escape, _tokens(phrase))) + (r"\w*" if phrase.endswith("*") else "(?:e?s)?")
