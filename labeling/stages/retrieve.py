"""Stage "retrieve": the clips of a part -> the top K captions of one vocabulary (paper section 2.3, step 3)."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from noise2music.labeling.datasets.arrow import lists_column, unit_vectors
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.retrieval.index import CaptionIndex
from noise2music.labeling.schemas import RETRIEVE

VERSION = 1


def retrieve_part(
    context: PartContext, clips: pa.Table, index: CaptionIndex, top_k: int, splits: frozenset[str] | None
) -> Iterator[pa.Table]:
    """Clips of one part (schemas.embed_schema) -> schemas.RETRIEVE in the same order.

    `captions` holds rows of the vocabulary (embed_text in part order), best first. A clip whose split is not in `splits`
    (None: all) gets no candidates.
    """
    if not len(clips):
        return
    allowed = (
        np.ones(len(clips), bool) if splits is None else pc.is_in(clips.column("split"), pa.array(sorted(splits), pa.string())).to_numpy()
    )
    vectors = unit_vectors(clips.column("embedding"))
    captions = np.full((len(clips), top_k), -1, np.int32)
    scores = np.full((len(clips), top_k), np.nan, np.float32)
    if allowed.any():
        candidates = index.search(vectors[allowed], top_k)
        captions[allowed], scores[allowed] = candidates.captions, candidates.scores
        context.count("collapsed", candidates.collapsed)
    valid = captions >= 0
    context.count("candidates", int(valid.sum()))
    context.advance(len(clips))
    lengths = valid.sum(1)
    yield pa.table(
        {
            "clip_id": clips.column("clip_id"),
            "split": clips.column("split"),
            "captions": lists_column(pa.array(captions[valid], pa.int32()), lengths),
            "scores": lists_column(pa.array(scores[valid], pa.float32()), lengths),
        },
        RETRIEVE,
    )
