"""Finds a clip's candidates: the K captions of a vocabulary nearest to it (paper section 2.3, step 3; K = 10).

The result depends on the vectors alone, so any split into parts or batches gives the same bytes.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from noise2music.core.arrays import Float32s
from noise2music.core.errors import UserError
from noise2music.labeling.retrieval.cosine import MILLION, check_unit
from noise2music.labeling.retrieval.dedup import distinct
from noise2music.labeling.retrieval.ivf import Inverted, build_inverted, default_lists, rank_inverted
from noise2music.labeling.retrieval.nearest import Device, Fetcher, Ranking, fetcher, rank
from noise2music.labeling.settings import Retrieval

_QUERIES = 1 << 14


@dataclass(frozen=True)
class Candidates:
    """captions (N, K) int32: rows of the vocabulary, best first, -1 for none. scores (N, K) float32: cosines to six digits, NaN for none.

    Equal scores are in the order of the rows. collapsed: captions that were skipped because a better one says the same.
    """

    captions: npt.NDArray[np.int32]
    scores: Float32s
    collapsed: int


@dataclass(frozen=True)
class CaptionIndex:
    """A vocabulary ready to be searched; see `build_index`. Searching changes nothing, so threads may share one."""

    joint: Float32s
    meaning: Float32s | None
    threshold: float | None
    source: Fetcher
    inverted: Inverted | None

    def search(self, queries: Float32s, top_k: int) -> Candidates:
        """Candidates of (N, d) float32 unit vectors. Raises ValueError for a row that is NaN, zero or not unit, and for top_k < 1.

        Runs with the threads that FAISS is set to (`faiss.omp_set_num_threads`).
        """
        self._check(queries, top_k)
        captions = np.full((len(queries), top_k), -1, np.int32)
        scores = np.full((len(queries), top_k), np.nan, np.float32)
        collapsed = 0
        for start in range(0, len(queries), _QUERIES):
            block = np.ascontiguousarray(queries[start : start + _QUERIES])
            if self.threshold is None or self.meaning is None:
                ranking = self.rank(block, top_k)
            else:
                ranking, passed = distinct(block, top_k, self.rank, self.meaning, self.threshold)
                collapsed += passed
            valid = ranking.rows >= 0
            block_slice = (slice(start, start + len(block)), slice(0, valid.shape[1]))
            captions[block_slice] = ranking.rows
            scores[block_slice] = np.where(valid, ranking.millionths / MILLION, np.nan)
        return Candidates(captions, scores, collapsed)

    def rank(self, queries: Float32s, depth: int) -> Ranking:
        """The first min(depth, V) captions of each query, duplicates included."""
        if self.inverted is None:
            return rank(queries, self.joint, depth, self.source)
        return rank_inverted(queries, self.joint, depth, self.inverted)

    def _check(self, queries: Float32s, top_k: int) -> None:
        check_unit(queries, "clip embeddings")
        if queries.shape[1] != self.joint.shape[1]:
            raise ValueError(f"clip embeddings have {queries.shape[1]} dimensions, caption embeddings {self.joint.shape[1]}")
        if top_k < 1:
            raise ValueError(f"top_k is {top_k}; at least 1 is needed")


def build_index(joint: Float32s, meaning: Float32s | None, settings: Retrieval, seed: int, device: Device = "cpu") -> CaptionIndex:
    """Caption embeddings -> index; all rows are float32 unit vectors.

    joint (V, d) is compared with clips. meaning (V, m) is compared among captions, for `dedup_threshold`.
    "flat" is exact; "ivf" looks into `nprobe` of `nlist` groups (default: `inverted.default_lists`), trained from `seed`.
    On "cuda" the flat search is a matrix product there. Raises ValueError for vectors that are not unit, UserError for settings that
    do not fit the vocabulary.
    """
    joint = np.ascontiguousarray(joint)
    check_unit(joint, "caption embeddings")
    if not len(joint):
        raise UserError("a vocabulary of 0 captions cannot be searched. Give it captions, or take it out of the configuration.")
    if len(joint) >= 2**31:
        raise ValueError(f"a vocabulary of {len(joint)} captions cannot be searched")
    if settings.dedup_threshold is not None:
        if meaning is None or len(meaning) != len(joint):
            raise ValueError("retrieval.dedup_threshold needs the meaning of every caption")
        check_unit(meaning, "caption meanings")
    lists = settings.nlist or default_lists(len(joint))
    if settings.index == "ivf" and lists > len(joint):
        raise UserError(f"retrieval.nlist = {lists}, but the vocabulary has {len(joint)} captions; lower it or leave it out")
    inverted = build_inverted(joint, lists, settings.nprobe, seed, device) if settings.index == "ivf" else None
    return CaptionIndex(joint, meaning, settings.dedup_threshold, fetcher(joint, device), inverted)


def measure_recall(index: CaptionIndex, queries: Float32s, top_k: int) -> float:
    """Share of the exact first `top_k` captions of (N, d) queries, N > 0, that the index finds, duplicates included."""
    if not len(queries):
        raise ValueError("recall needs at least one clip")
    queries = np.ascontiguousarray(queries)
    check_unit(queries, "clip embeddings")
    approximate = index.rank(queries, top_k).rows
    exact = rank(queries, index.joint, top_k, index.source).rows
    clip = np.arange(len(queries), dtype=np.int64)[:, None] << 32
    return float(np.isin(exact + clip, (approximate + clip)[approximate >= 0]).mean())
