"""The types of a cleaning rule."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from noise2music.labeling.corpus.songs import Song


@dataclass(frozen=True)
class Sentence:
    """A sentence and the song that it was written for."""

    text: str
    song: Song


Judge = Callable[[str, Song], str | None]
"""One sentence -> the sentence, perhaps changed, or None to remove it."""

Rule = Callable[[Sequence[Sentence]], list[str | None]]
"""A Judge for many sentences at once, in their order. Each result depends on its own sentence alone."""


def each(judge: Judge) -> Rule:
    """The rule that judges sentence by sentence."""
    return lambda sentences: [judge(sentence.text, sentence.song) for sentence in sentences]
