"""null: scores of random clip-caption pairs, one table over all parts, against which candidates are judged."""

import numpy as np
import pyarrow as pa

from labeling.columns import unit_vectors
from labeling.ids import ids_to_uint64
from labeling.null import NULL_CLIPS, keep_smallest, null_pairs, null_scores, quantile
from labeling.schemas import NULL

VERSION = 1
NULL_PAIRS = 20_000


def null_clips(clips: pa.Table, seed: int) -> pa.Table:
    """The clips (clip_id, embedding) of some parts that may take part in random pairs; folding parts gives the same as all at once."""
    kept = keep_smallest(ids_to_uint64(clips.column("clip_id")), seed, NULL_CLIPS)
    return clips.select(["clip_id", "embedding"]).take(pa.array(np.sort(kept)))


def null_table(clips: pa.Table, captions: pa.Table, seed: int) -> pa.Table:
    """Clips chosen by `null_clips`, all captions (schemas.embed_text_schema) -> schemas.NULL by ascending score; empty without either."""
    if not len(clips) or not len(captions):
        return NULL.empty_table()
    order = clips.sort_by("clip_id")
    pairs = null_pairs(ids_to_uint64(order.column("clip_id")), ids_to_uint64(captions.column("caption_id")), NULL_PAIRS, seed)
    scores = null_scores(unit_vectors(order.column("embedding")), unit_vectors(captions.column("embedding")), pairs)
    table = pa.table(
        {
            "clip_id": order.column("clip_id").take(pa.array(pairs[0])),
            "caption_id": captions.column("caption_id").take(pa.array(pairs[1])),
            "score": scores,
        },
        NULL,
    )
    return table.sort_by([("score", "ascending"), ("clip_id", "ascending"), ("caption_id", "ascending")])


def floor_of(null: pa.Table, share: float | None) -> float | None:
    """The score below which a candidate is no better than chance; None when no quantile is asked for or there are no pairs."""
    if share is None or not len(null):
        return None
    return quantile(null.column("score").to_numpy(), share)
