"""Measures a set of captions by counting: richness of words, lengths, and what the captions name.

    python -m noise2music.labeling.captions.cleaning.quality MUSICCAPS.csv

prints data/musiccaps_quality.json, the measures of MusicCaps's own sentences (arXiv 2301.11325). The report shows an LLM's vocabulary
beside them. They were measured on musiccaps-public.csv (5,521 clips, training and evaluation): captions split into sentences, single words
left out, equal sentences once. From size 300 on, self_bleu uses the same 200 sentences and stays the same. The figures ship, the captions
do not (CC BY-SA 4.0).
"""

import heapq
import json
import math
import re
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from pydantic import ConfigDict

from noise2music.core.data_files import read_json
from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.labeling.captions.cleaning.lexicon import Kind, lexicon
from noise2music.labeling.captions.vocabulary import vocabulary_table
from noise2music.labeling.settings import VocabularySettings

SIZES = (100, 300, 1000, 3000, 10000)
"""Sample sizes. The number of different words grows with the sample, so sets are compared at equal size."""
BLEU_CAPTIONS, BLEU_ORDER = 200, 4

_WORD = re.compile(r"[^\W_]+(?:['’&-][^\W_]+)*")

Words = tuple[str, ...]


@dataclass(frozen=True)
class Quality:
    """Measures of `captions` captions.

    vocabulary: different words. distinct_1, distinct_2: different words and word pairs over all of them. words_p..: quantiles of a
    caption's length in words. self_bleu: see there. names_..: share of the captions that name one.
    """

    __pydantic_config__ = ConfigDict(extra="forbid")

    captions: int
    vocabulary: int
    distinct_1: float
    distinct_2: float
    words_p5: float
    words_p25: float
    words_p50: float
    words_p75: float
    words_p95: float
    self_bleu: float
    names_instrument: float
    names_genre: float
    names_mood: float
    names_tempo: float
    names_vocal: float


@dataclass(frozen=True)
class Reference:
    """Measures of a set of sentences. captions: how many different ones there are. quality: of samples of SIZES of them."""

    __pydantic_config__ = ConfigDict(extra="forbid")

    captions: int
    quality: Mapping[int, Quality]


@cache
def musiccaps() -> Reference:
    """The measures of MusicCaps's own sentences."""
    return read_json(__package__, "musiccaps_quality.json", Reference)


def comparable_size(captions: int) -> int | None:
    """The largest of SIZES that so many captions allow, None below the smallest."""
    return max((size for size in SIZES if size <= captions), default=None)


def sample(captions: Iterable[str], size: int) -> list[str]:
    """The `size` captions with the smallest hash, in that order, whatever the order of `captions`."""
    return heapq.nsmallest(size, captions, key=lambda text: (stable_id("quality", text), text))


def measure(captions: Iterable[str], size: int) -> Quality:
    """The measures of a sample of `size` captions, or of all when there are fewer. Raises ValueError without any caption.

    Self-BLEU is that of the first BLEU_CAPTIONS of the sample.
    """
    texts = sample(captions, size)
    if not texts:
        raise ValueError("there is no caption to measure")
    words = [tuple(word.lower() for word in _WORD.findall(text)) for text in texts]
    unigrams = Counter(word for caption in words for word in caption)
    bigrams = Counter(pair for caption in words for pair in pairwise(caption))
    p5, p25, p50, p75, p95 = np.quantile([len(caption) for caption in words], (0.05, 0.25, 0.5, 0.75, 0.95)).round(2).tolist()
    naming = [_naming(kind, texts) for kind in ("instrument", "genre", "mood", "tempo", "vocal")]
    return Quality(
        len(texts),
        len(unigrams),
        _ratio(len(unigrams), unigrams.total()),
        _ratio(len(bigrams), bigrams.total()),
        p5,
        p25,
        p50,
        p75,
        p95,
        self_bleu(words[:BLEU_CAPTIONS]),
        *naming,
    )


def self_bleu(captions: Sequence[Words]) -> float:
    """Mean BLEU of each caption with all others as its references (arXiv 1802.01886, section 4.2): 1 where all are the same.

    Orders 1 to 4, but at most the number of words of the caption. Matches and totals of orders above 1 are raised by one (Lin and Och,
    2004). The brevity penalty uses the reference nearest in length, the shorter of two. 0.0 for fewer than two captions.
    """
    if len(captions) < 2:
        return 0.0
    counts = [[Counter(_grams(caption, order)) for caption in captions] for order in range(1, BLEU_ORDER + 1)]
    most = [_two_largest(of_order) for of_order in counts]
    lengths = [len(caption) for caption in captions]
    scores = [_bleu(number, counts, most, lengths) for number in range(len(captions))]
    return round(sum(scores) / len(scores), 4)


def _bleu(number: int, counts: list[list[Counter[Words]]], most: list[dict[Words, tuple[int, int, int]]], lengths: list[int]) -> float:
    length = lengths[number]
    if length == 0:
        return 0.0
    logarithms = []
    for order in range(min(BLEU_ORDER, length)):
        matches = 0
        for gram, count in counts[order][number].items():
            largest, holder, second = most[order][gram]
            matches += min(count, second if holder == number else largest)
        raised = int(order > 0)
        if matches + raised == 0:
            return 0.0
        logarithms.append(math.log((matches + raised) / (length - order + raised)))
    reference = min(
        (other for other_number, other in enumerate(lengths) if other_number != number), key=lambda other: (abs(other - length), other)
    )
    penalty = min(0.0, 1 - reference / length)
    return math.exp(sum(logarithms) / len(logarithms) + penalty)


def _two_largest(counts: Sequence[Counter[Words]]) -> dict[Words, tuple[int, int, int]]:
    """For every n-gram: its largest count in one caption, which caption that is, and the largest in any other."""
    largest_counts: dict[Words, tuple[int, int, int]] = {}
    for number, counter in enumerate(counts):
        for gram, count in counter.items():
            largest, holder, second = largest_counts.get(gram, (0, -1, 0))
            largest_counts[gram] = (count, number, largest) if count > largest else (largest, holder, max(second, count))
    return largest_counts


def _grams(words: Words, order: int) -> Iterable[Words]:
    return (words[start : start + order] for start in range(len(words) - order + 1))


def _ratio(part: int, whole: int) -> float:
    return round(part / whole, 4) if whole else 0.0


def _naming(kind: Kind, texts: Sequence[str]) -> float:
    return _ratio(sum(lexicon()[kind].search(text) is not None for text in texts), len(texts))


def musiccaps_sentences(path: str) -> list[str]:
    """The sentences of a csv in the form of MusicCaps, each once, as a vocabulary of the kind "musiccaps-sentences" holds them.

    Raises UserError when the file or a column is not there.
    """
    table, _ = vocabulary_table("musiccaps", VocabularySettings(kind="musiccaps-sentences", source=path))
    return [str(caption) for caption in table.column("caption").to_pylist()]


def main() -> None:
    """Print the reference for the csv that the first argument names, as its data file holds it."""
    if len(sys.argv) != 2:
        sys.exit("usage: python -m noise2music.labeling.captions.cleaning.quality MUSICCAPS.csv > musiccaps_quality.json")
    try:
        sentences = musiccaps_sentences(sys.argv[1])
    except UserError as error:
        sys.exit(str(error))
    measured = Reference(len(sentences), {size: measure(sentences, size) for size in SIZES})
    print(json.dumps(asdict(measured), indent=1))


if __name__ == "__main__":
    main()
