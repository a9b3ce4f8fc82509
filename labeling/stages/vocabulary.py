"""Stage "vocabulary": the merged captions of a part -> its table. Evaluation captions must not label training tracks."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa

from noise2music.core.tally import Tally
from noise2music.labeling.captions.contamination import HeldOutTexts, check_contamination
from noise2music.labeling.captions.vocabulary import statistics
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.schemas import VOCABULARY
from noise2music.labeling.settings import VocabularySettings

VERSION = 2
TRAIN = "train"
PAPER_EVAL_SPLITS = frozenset({"validation", "test", "eval"})


def allowed_splits(settings: VocabularySettings) -> frozenset[str] | None:
    """The splits whose tracks may be labelled from a vocabulary, None for every split.

    Sentences of MusicCaps, the evaluation set, stay out of training labels unless the configuration says otherwise (paper section 2.5).
    """
    if settings.allowed_splits is None and settings.kind == "musiccaps-sentences":
        return PAPER_EVAL_SPLITS
    return settings.allowed_splits


def labels_training(settings: VocabularySettings) -> bool:
    """Whether the vocabulary may label tracks of split "train"."""
    splits = allowed_splits(settings)
    return splits is None or TRAIN in splits


def vocabulary_part(
    context: PartContext,
    name: str,
    rows: Iterable[dict[str, Any]],
    losses: Counter[str],
    held_out: HeldOutTexts | None,
    notes: Tally | None = None,
) -> Iterator[pa.Table]:
    """Rows of one part (captions.vocabulary.merge) -> schemas.VOCABULARY in key order (caption id), with the losses counted by reason.

    notes: what was lost in reading and what is not as declared; they become the part's warnings. Raises UserError that names captions equal
    or nearly equal to one in `held_out`.
    """
    ordered = sorted(rows, key=lambda row: str(row["caption_id"]))
    for figure, amount in statistics(len(ordered), losses).items():
        context.count(figure, amount)
    if notes is not None:
        context.warnings.add(notes)
    context.advance(len(ordered))
    if held_out is not None:
        check_contamination(name, [row["caption"] for row in ordered], held_out)
    if ordered:
        yield pa.Table.from_pylist(ordered, VOCABULARY)
