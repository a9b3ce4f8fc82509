"""Stage "sample": the candidates of a part -> its labels, sampled by inverse frequency (paper section 2.3, step 4)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from noise2music.core.ids import ids_to_uint64
from noise2music.labeling.datasets.arrow import lists_column, padded, structs_column
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.retrieval.balance import sample_labels
from noise2music.labeling.schemas import LABEL, SAMPLE

VERSION = 1


@dataclass(frozen=True)
class Frequencies:
    """A vocabulary with how often each caption is a candidate; row i is caption i of the vocabulary in part order."""

    caption_ids: pa.Array
    captions: pa.Array
    frequency: npt.NDArray[np.int64]


def sample_part(
    context: PartContext, candidates: pa.Table, vocabulary: Frequencies, labels_per_clip: int, top_k: int, seed: int, floor: float | None
) -> Iterator[pa.Table]:
    """Candidates of one part (schemas.RETRIEVE) -> schemas.SAMPLE in the same order. A clip without labels keeps its row."""
    if not len(candidates):
        return
    captions = padded(candidates.column("captions"), top_k, -1, np.int32).astype(np.int32)
    scores = padded(candidates.column("scores"), top_k, np.nan, np.float32).astype(np.float32)
    sampled = sample_labels(
        clip_ids=ids_to_uint64(candidates.column("clip_id")),
        captions=captions,
        scores=scores,
        frequency=vocabulary.frequency,
        caption_ids=ids_to_uint64(vocabulary.caption_ids),
        labels_per_clip=labels_per_clip,
        seed=seed,
        floor=floor,
    )
    valid = sampled.positions >= 0
    clip = np.nonzero(valid)[0]
    position = sampled.positions[valid].astype(np.int64)
    caption = captions[clip, position]
    rows = pa.array(caption)
    labels = structs_column(
        {
            "caption_id": vocabulary.caption_ids.take(rows),
            "caption": vocabulary.captions.take(rows),
            "score": pa.array(scores[clip, position]),
            "rank": pa.array((position + 1).astype(np.int16)),
            "frequency": pa.array(vocabulary.frequency[caption]),
            "p": pa.array(sampled.p[valid]),
        },
        LABEL,
    )
    lengths = valid.sum(1)
    context.count("labels", len(clip))
    context.count("below_floor", sampled.below_floor)
    context.count("clips_without_label", int((lengths == 0).sum()))
    context.advance(len(candidates))
    yield pa.table({"clip_id": candidates.column("clip_id"), "labels": lists_column(labels, lengths)}, SAMPLE)
