"""Whether labels name what is true of their own recording more often than what is true of others."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from pydantic import Field
from scipy.sparse import csr_array

from noise2music.core.arrays import Float64s, Int64s
from noise2music.core.ids import hash_uniform, id_to_int, purpose_key, stable_id
from noise2music.core.settings import Settings
from noise2music.evaluation.tag_names import Naming
from noise2music.evaluation.truth_table import KINDS, Truth, TruthColumns

ALL = "all"
PERMUTATIONS = 500
RESAMPLES = 1000
FEWEST = 2
"""Recordings of which one can be another's null."""
_SLACK = 1e-12

Captions = Mapping[str, Mapping[str, Sequence[str]]]
"""Recording -> vocabulary -> the captions of its labels, one a label."""


class LabelTruthSettings(Settings):
    """The labels of a root against a table of truth.

    Attributes:
        root: Of a labeling run, a folder or URI.
        truth: Table with the recordings' tags (csv, tsv, jsonl, json, parquet).
        out: Folder or URI for figures and page; without it nothing is written.
        columns: Which columns of the table hold what.
        permutations: How often recordings are permuted for the null.
        seed: Of permutations and resamples.
        recordings: Of more recordings than this, so many are drawn: time and memory grow with their square.
        shown: Recordings on the page, of the best and of the worst.
    """

    root: str = Field(min_length=1)
    truth: str = Field(min_length=1)
    out: str | None = None
    columns: TruthColumns = TruthColumns()
    permutations: int = Field(PERMUTATIONS, ge=1, le=100_000)
    seed: int = Field(0, ge=0)
    recordings: int = Field(4000, ge=FEWEST, le=20_000)
    shown: int = Field(4, ge=0, le=100)


@dataclass(frozen=True)
class TruthRow:
    """Of a vocabulary's labels and the tags of a kind ("all" for any).

    share: of a recording's labels that name one of its own tags, the mean over recordings; low, high: its 95 % interval, over recordings.
    chance: the same with the labels of any recording, each as likely; chance_high: 95 % of permutations lie below it. p: how rarely a
    permutation is as good. ratio: share over chance, None where no label names any of the tags.
    """

    vocabulary: str
    kind: str
    recordings: int
    labels: int
    share: float
    low: float
    high: float
    chance: float
    chance_high: float
    ratio: float | None
    p: float


@dataclass(frozen=True)
class Example:
    """A recording. share: of its labels; chance: of the others' labels that name its tags. named, others: captions, each once."""

    key: str
    tags: tuple[str, ...]
    share: float
    chance: float
    named: tuple[str, ...]
    others: tuple[str, ...]


@dataclass(frozen=True)
class LabelTruth:
    """rows: all vocabularies first, then each where there are several. examples: those furthest above chance first. few: kinds that
    fewer than two labelled recordings have. recordings: that have a label and a tag, of `labelled`.
    """

    rows: tuple[TruthRow, ...]
    examples: tuple[Example, ...]
    few: tuple[str, ...]
    recordings: int
    labelled: int


def label_truth(captions: Captions, truth: Truth, permutations: int = PERMUTATIONS, seed: int = 0, most: int = 4000) -> LabelTruth:
    """Compare labels with the truth. A pure function of its inputs; their order does not matter.

    most: recordings; of more, those with the lowest hash are taken.
    """
    own = {kind: {key: tags for key, tags in of.items() if key in captions} for kind, of in truth.tags.items()}
    any_kind: dict[str, tuple[str, ...]] = {}
    for kind in KINDS:
        for key, tags in own.get(kind, {}).items():
            any_kind[key] = (*any_kind.get(key, ()), *tags)
    chosen = frozenset(_lowest(any_kind, most, seed))
    naming = Naming(caption for key in chosen for listed in captions[key].values() for caption in listed)
    vocabularies = sorted({name for key in chosen for name in captions[key]})
    rows, few = [], []
    for vocabulary in (ALL, *(vocabularies if len(vocabularies) > 1 else ())):
        labels = {key: found for key in sorted(chosen) if (found := _labels(captions[key], vocabulary))}
        for kind, of in ((ALL, any_kind), *((kind, own[kind]) for kind in KINDS if kind in own)):
            keys = [key for key in labels if key in of]
            if len(keys) >= FEWEST:
                hits = hit_shares([labels[key] for key in keys], [of[key] for key in keys], naming)
                rows.append(_row(vocabulary, kind, keys, sum(len(labels[key]) for key in keys), hits, permutations, seed))
            elif vocabulary == ALL:
                few.append(kind)
    return LabelTruth(tuple(rows), _examples(captions, any_kind, sorted(chosen), naming), tuple(few), len(any_kind), len(captions))


def hit_shares(labels: Sequence[Sequence[str]], tags: Sequence[Sequence[str]], naming: Naming) -> Float64s:
    """(n, n): share of recording j's labels that name a tag of recording i. `labels` has at least one for each."""
    places = np.array([naming.places[caption] for listed in labels for caption in listed], np.int64)
    sizes = np.array([len(listed) for listed in labels], np.int64)
    counts = csr_array(
        (np.ones(len(places)), places, np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])), shape=(len(labels), len(naming.captions))
    )
    hits = np.empty((len(labels), len(labels)))
    found: dict[tuple[str, ...], Float64s] = {}
    for place, own in enumerate(tags):
        of = tuple(sorted(own))
        if of not in found:
            found[of] = (counts @ naming.by_any(of).astype(np.float64)) / sizes
        hits[place] = found[of]
    return hits


def permuted_shares(hits: Float64s, keys: Sequence[str], permutations: int, seed: int) -> Float64s:
    """(permutations,) mean share where each recording has the labels of another, or by chance its own."""
    ids = _ids(keys)
    rows = np.arange(len(keys))
    ranks = (hash_uniform(seed, purpose_key("label truth", draw), ids).argsort(kind="stable") for draw in range(permutations))
    return np.array([hits[rows, order].mean() for order in ranks])


def _row(vocabulary: str, kind: str, keys: Sequence[str], labels: int, hits: Float64s, permutations: int, seed: int) -> TruthRow:
    own = hits.diagonal()
    share, chance = float(own.mean()), float(hits.mean())  # The mean over all permutations is that of the whole matrix.
    permuted = permuted_shares(hits, keys, permutations, seed)
    p = (1 + int((permuted >= share - _SLACK).sum())) / (1 + permutations)
    low, high = _interval(own, keys, seed)
    chance_high = float(np.quantile(permuted, 0.95))
    return TruthRow(vocabulary, kind, len(keys), labels, share, low, high, chance, chance_high, share / chance if chance else None, p)


def _interval(shares: Float64s, keys: Sequence[str], seed: int) -> tuple[float, float]:
    """95 % percentiles of the mean over resampled recordings."""
    count = len(keys)
    uniform = hash_uniform(seed, purpose_key("label truth resample"), np.arange(RESAMPLES * count, dtype=np.uint64))
    means = shares[(uniform * count).astype(np.int64).reshape(RESAMPLES, count)].mean(axis=1)
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def _examples(captions: Captions, tags: Mapping[str, Sequence[str]], keys: Sequence[str], naming: Naming) -> tuple[Example, ...]:
    if len(keys) < FEWEST:
        return ()
    labels = [_labels(captions[key], ALL) for key in keys]
    hits = hit_shares(labels, [tags[key] for key in keys], naming)
    found = []
    for place, key in enumerate(keys):
        named = naming.by_any(tags[key])
        each = sorted(set(labels[place]))
        split = [tuple(caption for caption in each if bool(named[naming.places[caption]]) is side) for side in (True, False)]
        chance = float((hits[place].sum() - hits[place, place]) / (len(keys) - 1))
        found.append(Example(key, tuple(tags[key]), float(hits[place, place]), chance, *split))
    return tuple(sorted(found, key=lambda example: (example.chance - example.share, example.key)))


def _labels(of: Mapping[str, Sequence[str]], vocabulary: str) -> list[str]:
    return [caption for name in sorted(of) if vocabulary in (ALL, name) for caption in of[name]]


def _lowest(keys: Collection[str], most: int, seed: int) -> list[str]:
    ordered = sorted(keys)
    if len(ordered) <= most:
        return ordered
    order: Int64s = hash_uniform(seed, purpose_key("label truth recordings"), _ids(ordered)).argsort(kind="stable")
    return [ordered[place] for place in order[:most].tolist()]


def _ids(keys: Sequence[str]) -> np.ndarray[tuple[int], np.dtype[np.uint64]]:
    return np.array([id_to_int(stable_id("recording", key)) for key in keys], np.uint64)
