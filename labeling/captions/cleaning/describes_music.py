"""Rule "not_music": compares a sentence's embedding with exemplar sentences that describe music and with others that do not.

The score of a sentence is the mean cosine to the three most similar exemplars of music, minus the mean cosine to the three most similar
other ones (data/exemplars.toml), by the sentence encoder of labeling.scorers.minilm. THRESHOLD was measured:
`python -m noise2music.labeling.captions.cleaning.describes_music MUSICCAPS.csv` prints what it costs and what it catches.

The encoder reads only some hundred sentences a second, so clear sentences skip it. A word speaks of music when its own vector points from
the other exemplars towards those of music, or when it names an instrument, a genre, a tempo or a voice (lexicon). A sentence is clear with
two such words, or with one and a mood.
"""

import csv
import re
import sys
from collections import OrderedDict
from collections.abc import Sequence
from functools import cache
from typing import Literal, get_args

import numpy as np
import torch

from noise2music.core.arrays import Float32s
from noise2music.core.data_files import read_toml
from noise2music.labeling.captions.cleaning.lexicon import Kind, lexicon
from noise2music.labeling.captions.cleaning.sentence_rules import Sentence
from noise2music.labeling.captions.cleaning.word_lists import word_lists
from noise2music.labeling.captions.text import split_sentences
from noise2music.labeling.scorers.minilm import load_minilm

THRESHOLD = -0.02
NEAREST = 3
SPEAKS_OF_MUSIC, ENOUGH = 0.08, 2
REMEMBERED = 200_000
"""How many words, and how many sentences, keep their value in memory: short sentences come up again and again."""

_SPEAKING: tuple[Kind, ...] = ("instrument", "genre", "tempo", "vocal")
_WORD = re.compile(r"[a-z][a-z'&-]*")

Side = Literal["music", "other"]
SIDES: tuple[Side, ...] = get_args(Side)


@cache
def exemplars(side: Side) -> tuple[str, ...]:
    """The sentences that are measured against: those that describe music, or the other ones."""
    groups = read_toml(__package__, "exemplars.toml", dict[Side, dict[str, tuple[str, ...]]])
    return tuple(text for texts in groups[side].values() for text in texts)


class DescribesMusic:
    """The scorer with its memory. One a process; used by one thread at a time."""

    def __init__(self) -> None:
        torch.set_num_threads(1)
        self._encoder = load_minilm()
        self._music, self._other = (self._encoder(exemplars(side)) for side in SIDES)
        self._direction = self._music.mean(0) - self._other.mean(0)
        self._words = _Memory(REMEMBERED)
        self._sentences = _Memory(REMEMBERED)

    def scores(self, texts: Sequence[str]) -> Float32s:
        """(N,) scores; a sentence's score depends on that sentence alone."""
        vectors = self._encoder(texts)
        return np.asarray(_nearest(vectors @ self._music.T) - _nearest(vectors @ self._other.T), np.float32)

    def passes(self, texts: Sequence[str], threshold: float) -> list[bool]:
        """Whether each text describes music: clear by its words, or with a score of at least `threshold`."""
        clear = self._clear(texts)
        unclear = list(dict.fromkeys(text for text, is_clear in zip(texts, clear, strict=True) if not is_clear))
        missing = [text for text in unclear if text not in self._sentences]
        for text, score in zip(missing, self.scores(missing) if missing else (), strict=True):
            self._sentences.keep(text, round(float(score), 4))
        scores = {text: self._sentences[text] for text in unclear}
        self._sentences.forget()
        return [is_clear or scores[text] >= threshold for text, is_clear in zip(texts, clear, strict=True)]

    def _clear(self, texts: Sequence[str]) -> list[bool]:
        says_nothing = word_lists().describes_music.says_nothing
        words = [{word for word in _WORD.findall(text.lower()) if word not in says_nothing} for text in texts]
        missing = sorted({word for own in words for word in own if word not in self._words})
        if missing:
            for word, value in zip(missing, self._encoder(missing) @ self._direction, strict=True):
                self._words.keep(word, _weight(word, float(value)))
        clear = [_is_clear([self._words[word] for word in own]) for own in words]
        self._words.forget()
        return clear


def _weight(word: str, value: float) -> float:
    """1 for a word that speaks of music, a half for a mood, 0 for any other."""
    if round(value, 4) > SPEAKS_OF_MUSIC or any(lexicon()[kind].fullmatch(word) for kind in _SPEAKING):
        return 1.0
    return 0.5 if lexicon()["mood"].fullmatch(word) else 0.0


def _is_clear(weights: Sequence[float]) -> bool:
    speaking, moods = weights.count(1.0), weights.count(0.5)
    return speaking >= ENOUGH or (speaking >= 1 and moods >= 1)


class _Memory(OrderedDict[str, float]):
    """Values by text. `forget` drops the oldest ones beyond the limit."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def keep(self, text: str, value: float) -> None:
        self[text] = value

    def forget(self) -> None:
        while len(self) > self._most:
            self.popitem(last=False)


def _nearest(cosines: Float32s) -> Float32s:
    return np.asarray(np.sort(cosines, 1)[:, -NEAREST:].mean(1), np.float32)


@cache
def load_describes_music() -> DescribesMusic:
    """The scorer of this process."""
    return DescribesMusic()


def not_music(threshold: float | None, sentences: Sequence[Sentence]) -> list[str | None]:
    """None for each sentence that does not describe music. threshold: None is the measured one."""
    verdicts = load_describes_music().passes([sentence.text for sentence in sentences], THRESHOLD if threshold is None else threshold)
    return [sentence.text if is_music else None for sentence, is_music in zip(sentences, verdicts, strict=True)]


def main() -> None:
    """Print the share of MusicCaps's sentences that the threshold drops, and how many need the encoder."""
    with open(sys.argv[1], newline="", encoding="utf-8") as file:
        sentences = sorted({sentence for row in csv.DictReader(file) for sentence in split_sentences(row["caption"])})[::7]
    scorer = load_describes_music()
    scores = scorer.scores(sentences)
    clear = np.array(scorer._clear(sentences))
    dropped = ~clear & (scores < THRESHOLD)
    print(f"{len(sentences)} sentences: {clear.mean():.1%} clear by their words, {dropped.mean():.2%} dropped at {THRESHOLD}")
    print(f"of the clear ones {np.mean(scores[clear] < THRESHOLD):.2%} score below it")
    for row in np.argsort(np.where(dropped, scores, np.inf))[:20].tolist():
        print(f"{scores[row]:+.3f}  {sentences[row]}")


if __name__ == "__main__":
    main()
