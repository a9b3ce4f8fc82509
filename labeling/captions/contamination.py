"""Contamination: no caption of the held-out evaluation clips may label a training track (paper section 2.5).

A caption is contaminated when it equals, or nearly equals, a text of a held-out clip: its whole caption (5 words or more) or one of its
sentences (8 words or more). Shorter sentences are formulas ("The song has poor audio quality."). In the public MusicCaps, one in nine of
the held-out sentences below 8 words also stands in a training row, and one in sixty of the longer ones. Texts of the training rows of the
same file are allowed.

Nearly equal: Jaccard similarity of the sets of neighbouring words, 0.8 or more, so one word in about twenty may differ.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from noise2music.core.errors import UserError
from noise2music.core.storage import hash_uri
from noise2music.core.tables.cell_items import plain_text
from noise2music.core.tally import Tally
from noise2music.labeling.captions.readers import musiccaps_rows, open_source
from noise2music.labeling.captions.text import caption_key, split_sentences

THRESHOLD = 0.8
MIN_CAPTION_WORDS = 5
MIN_SENTENCE_WORDS = 8
NAMED = 10

Pairs = frozenset[tuple[str, str]]


@dataclass(frozen=True, eq=False)
class HeldOutTexts:
    """texts: key -> text of the held-out clips' captions and long sentences. training: keys of all texts of the training rows."""

    texts: dict[str, str]
    training: frozenset[str]


@dataclass(frozen=True)
class Contamination:
    """A caption, the held-out text it repeats (the nearest one), and how similar they are: 1.0 when equal."""

    caption: str
    held_out_text: str
    similarity: float


def read_held_out_texts(sources: Sequence[str]) -> HeldOutTexts:
    """Read MusicCaps-form csv files (local or remote); rows with `is_audioset_eval` are held out.

    Raises UserError when a file, a column or a row cannot be read: unread captions could not be kept out.
    """
    texts: dict[str, str] = {}
    training: set[str] = set()
    for source in sources:
        losses = Tally()
        for row, held_out in musiccaps_rows(open_source("held-out captions", source, losses, Tally())):
            caption = plain_text(row.cells["caption"]) or ""
            if held_out:
                texts.update((key, text) for key, text in _protected_texts(caption) if key not in texts)
            else:
                training.update(caption_key(text) for text in (caption, *split_sentences(caption)))
        if losses.lost:
            reasons = ", ".join(f"{count} x {reason}" for reason, count in sorted(losses.lost.items()))
            raise UserError(
                f"cannot tell which captions of {source} are held out: {reasons}. Mend these rows, then run the same command again."
            )
    return HeldOutTexts(texts, frozenset(training))


def _protected_texts(caption: str) -> Iterator[tuple[str, str]]:
    for text, least in ((caption, MIN_CAPTION_WORDS), *((sentence, MIN_SENTENCE_WORDS) for sentence in split_sentences(caption))):
        key = caption_key(text)
        if len(key.split()) >= least:
            yield key, text.strip()


@lru_cache(maxsize=2)
def read_held_out(sources: tuple[str, ...]) -> HeldOutTexts:
    """`read_held_out_texts`, read once a process."""
    return read_held_out_texts(sources)


def held_out_inputs(sources: Sequence[str]) -> dict[str, str]:
    """What a fingerprint covers of these tables."""
    return {f"held_out_{position}": hash_uri(source) for position, source in enumerate(sources)}


def find_contamination(captions: Iterable[str], held_out: HeldOutTexts, threshold: float = THRESHOLD) -> list[Contamination]:
    """Every caption that equals a held-out text or is at least as similar as `threshold` (0 to 1], in the order given.

    Exact: an inverted index over the rarest word pairs of each text finds all that can reach the threshold (prefix filter), and their
    similarity is computed in full. A caption that shares no rare pair costs no comparison.
    """
    if not 0 < threshold <= 1:
        raise ValueError(f"the threshold is {threshold}, not in (0, 1]")
    index = _index(held_out, threshold)
    contaminated = []
    for caption in captions:
        key = caption_key(caption)
        if key in held_out.training:
            continue
        if key in held_out.texts:
            contaminated.append(Contamination(caption, held_out.texts[key], 1.0))
        elif nearest := index.nearest(word_pairs(key)):
            contaminated.append(Contamination(caption, held_out.texts[nearest[0]], nearest[1]))
    return contaminated


def check_contamination(name: str, captions: Sequence[str], held_out: HeldOutTexts, threshold: float = THRESHOLD) -> None:
    """Raise UserError, naming up to ten captions, when a vocabulary that may label training tracks repeats held-out texts."""
    contaminated = find_contamination(captions, held_out, threshold)
    if not contaminated:
        return
    named = "\n".join(
        f'  "{item.caption[:120]}" ({item.similarity:.2f}: "{item.held_out_text[:120]}")'
        for item in sorted(contaminated, key=lambda item: (-item.similarity, item.caption))[:NAMED]
    )
    more = f"\n  and {len(contaminated) - NAMED} more" if len(contaminated) > NAMED else ""
    raise UserError(
        f"vocabulary {name} may label training tracks, but {len(contaminated)} of its {len(captions)} captions repeat held-out evaluation "
        f'captions:\n{named}{more}\nTake them out of its source, read training rows only (caption_split = "train"), or '
        f'keep the vocabulary away from training tracks (allowed_splits without "train").'
    )


@lru_cache(maxsize=2)
def _index(held_out: HeldOutTexts, threshold: float) -> "_Index":
    return _Index(held_out.texts, threshold)


def word_pairs(key: str) -> Pairs:
    """The pairs of neighbouring words in a caption's key: what two captions are compared by."""
    words = key.split()
    return frozenset(pairwise(words))


class _Index:
    """Held-out texts by their rarest word pairs."""

    def __init__(self, keys: Iterable[str], threshold: float) -> None:
        self.threshold = threshold
        self.texts = [(key, pairs) for key in sorted(keys) if (pairs := word_pairs(key))]
        frequency = Counter(pair for _, pairs in self.texts for pair in pairs)
        self.rank = {pair: rank for rank, pair in enumerate(sorted(frequency, key=lambda pair: (frequency[pair], pair)))}
        self.holders: defaultdict[int, list[int]] = defaultdict(list)
        for text, (_, pairs) in enumerate(self.texts):
            for rank in sorted(self.rank[pair] for pair in pairs)[: self._prefix(len(pairs))]:
                self.holders[rank].append(text)

    def _prefix(self, size: int) -> int:
        """How many of the rarest members of a set must be looked up: two sets that reach the threshold share one of theirs."""
        return size - math.ceil(self.threshold * size - 1e-9) + 1

    def nearest(self, pairs: Pairs) -> tuple[str, float] | None:
        """Key and similarity of the most similar text that reaches the threshold; ties go to the first key."""
        ranks = sorted(rank for pair in pairs if (rank := self.rank.get(pair)) is not None)
        missing = len(pairs) - len(ranks)
        probed = ranks[: max(0, self._prefix(len(pairs)) - missing)]
        best: tuple[str, float] | None = None
        for text in sorted({text for rank in probed for text in self.holders.get(rank, ())}):
            key, others = self.texts[text]
            shared = len(pairs & others)
            similarity = shared / (len(pairs) + len(others) - shared)
            if similarity >= self.threshold - 1e-12 and (best is None or similarity > best[1]):
                best = key, similarity
        return best
