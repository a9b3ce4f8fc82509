"""What a rule of the chain is."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from noise2music.labeling.corpus.songs import Song


@dataclass(frozen=True)
class Sentence:
    """A sentence and the song that it was written for."""

    text: str
    song: Song


Judge = Callable[[str, Song], str | None]
"""One sentence -> the sentence, perhaps tidied, or None when it is to go."""

Rule = Callable[[Sequence[Sentence]], list[str | None]]
"""A Judge for many sentences at once, in their order. What it says of one depends on that one alone."""


def each(judge: Judge) -> Rule:
    """The rule that judges sentence by sentence."""
    return lambda sentences: [judge(sentence.text, sentence.song) for sentence in sentences]
