"""What the captions of a run will take: how many there are, how long they take to embed, and how many labels they can become."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.flows.inputs import unlabelled
from noise2music.labeling.captions.vocabulary import vocabulary_table
from noise2music.labeling.corpus.clips import track_split
from noise2music.labeling.corpus.metadata import MetadataMatch
from noise2music.labeling.scorers.base import Scorer
from noise2music.labeling.settings import Corpus
from noise2music.labeling.stages.vocabulary import allowed_splits
from noise2music.pipelines.settings import LabelSettings

TIMED = 64
Read = TypeVar("Read")


@dataclass(frozen=True)
class PlannedCaptions:
    """number: captions to embed, by vocabulary. sample: some of them, chosen by hash."""

    number: Mapping[str, int]
    sample: Sequence[str]


def plan_captions(settings: LabelSettings, problems: list[str]) -> PlannedCaptions:
    """Read every vocabulary that is not written by an LLM. What cannot be read is one of the `problems`, not an error."""
    number: dict[str, int] = {}
    sample: list[str] = []
    for name, vocabulary in settings.vocabulary.items():
        if vocabulary.kind == "written":
            continue
        table = noted(problems, partial(vocabulary_table, name, vocabulary), None)
        if table is not None:
            number[name] = table[0].num_rows
            sample += _chosen(table[0].column("caption").to_pylist())
    return PlannedCaptions(number, _chosen(sample))


def noted(problems: list[str], read: Callable[[], Read], otherwise: Read) -> Read:
    """What was read; a UserError becomes a line of the problems, unless it is there already."""
    try:
        return read()
    except UserError as error:
        if str(error) not in problems:
            problems.append(str(error))
        return otherwise


def _chosen(captions: Sequence[str]) -> list[str]:
    return sorted(captions, key=lambda text: stable_id("plan", text))[:TIMED]


def captions_per_second(scorer: Scorer, sample: Sequence[str]) -> float:
    """How fast captions are embedded, here and now."""
    if not sample:
        return 0.0
    scorer.embed_text(sample[:1])
    started = time.perf_counter()
    scorer.embed_text(sample)
    return len(sample) / max(time.perf_counter() - started, 1e-9)


def splits_of(corpus: Corpus, described: MetadataMatch) -> dict[str, str]:
    """The split of each file that has one, by key."""
    found = {key: track_split(row.split if row else None, corpus) for key, row in described.tracks.items()}
    return {key: split for key, split in found.items() if split is not None}


def plan_labels(settings: LabelSettings, clips: int, captions: PlannedCaptions, splits: Mapping[str, int]) -> int:
    """Labels at most: clips of the splits that each vocabulary may label, times its labels a clip. splits: shares, in any unit."""
    total = max(1, sum(splits.values()))
    labels = 0
    for name, vocabulary in settings.vocabulary.items():
        allowed = allowed_splits(vocabulary)
        share = 1.0 if allowed is None else sum(splits.get(split, 0) for split in allowed) / total
        labels += round(clips * share) * min(settings.labels_per_clip(name), captions.number.get(name, settings.labels_per_clip(name)))
    return labels


def unlabelled_problems(settings: LabelSettings, tracks: Mapping[str, int]) -> list[str]:
    """Every vocabulary that can give no label to tracks of these splits."""
    found = [unlabelled(name, vocabulary, tracks) for name, vocabulary in settings.vocabulary.items()]
    return [problem for problem in found if problem]
