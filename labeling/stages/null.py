"""Stage "null": scores of random clip-caption pairs, one table over all parts. They are the baseline for candidates' scores."""

import math

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from noise2music.core.arrays import Float32s, Float64s, Int64s
from noise2music.core.ids import Uint64s, hash_uniform, ids_to_uint64
from noise2music.labeling.datasets.arrow import unit_vectors
from noise2music.labeling.retrieval.cosine import MILLION, millionths
from noise2music.labeling.schemas import NULL

# The choice of pairs depends on the ids alone, not on their order, so clips may come part by part in any order. Fold the parts with
# `keep_smallest`, which needs at most `limit` clips in memory.


NULL_CLIPS = 2000


def keep_smallest(clip_ids: Uint64s, seed: int, limit: int = NULL_CLIPS) -> Int64s:
    """Positions of the `limit` clips with the smallest hash, in the order of (hash, id).

    Folding is exact: applied to the result of some parts and the clips of another, it gives the smallest of all of them.
    """
    return np.lexsort((clip_ids, hash_uniform(seed, clip_ids)))[:limit]


def null_pairs(clip_ids: Uint64s, caption_ids: Uint64s, pairs: int, seed: int, clips: int = NULL_CLIPS) -> tuple[Int64s, Int64s]:
    """`pairs` random pairs as positions in the two id arrays: (pairs,) of clips and (pairs,) of captions.

    The `clips` with the smallest hash share the pairs evenly; each pair's caption is drawn by hash of (seed, clip, how many pairs the clip
    had before). Raises ValueError when there is no clip or no caption.
    """
    if not len(clip_ids) or not len(caption_ids):
        raise ValueError("random pairs need at least one clip and one caption")
    chosen = keep_smallest(clip_ids, seed, clips)
    pair = np.arange(pairs)
    clip = chosen[pair % len(chosen)]
    before = (pair // len(chosen)).astype(np.uint64)
    rank = (hash_uniform(seed, clip_ids[clip], before) * len(caption_ids)).astype(np.int64)
    return clip, np.argsort(caption_ids, kind="stable")[np.minimum(rank, len(caption_ids) - 1)]


def null_scores(clips: Float32s, captions: Float32s, pairs: tuple[Int64s, Int64s]) -> Float64s:
    """Cosines, rounded to six digits, of pairs of unit vectors clips (C, d) and captions (V, d), in the order of the pairs."""
    return millionths(clips, pairs[0][:, None], captions, pairs[1][:, None]).reshape(-1) / MILLION


def quantile(scores: npt.NDArray[np.floating], share: float) -> float:
    """The smallest of ascending `scores` with at least `share` (0 < share <= 1) of them at or below it. Nothing is interpolated."""
    if not len(scores) or not 0 < share <= 1:
        raise ValueError(f"no quantile {share} of {len(scores)} scores")
    return float(scores[math.ceil(share * len(scores)) - 1])


VERSION = 1
NULL_PAIRS = 20_000


def null_clips(clips: pa.Table, seed: int) -> pa.Table:
    """The clips (clip_id, embedding) of some parts that may be in random pairs. Folding parts gives the same as all at once."""
    positions = keep_smallest(ids_to_uint64(clips.column("clip_id")), seed, NULL_CLIPS)
    return clips.select(["clip_id", "embedding"]).take(pa.array(np.sort(positions)))


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
    """The score below which a candidate is no better than chance; None without a quantile or without pairs."""
    if share is None or not len(null):
        return None
    return quantile(null.column("score").to_numpy(), share)
