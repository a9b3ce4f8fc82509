"""The training set, prepared for comparisons."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.labeling.memorization.landmarks import QUERY_SHIFTS, Landmarks, find_landmarks
from noise2music.labeling.memorization.table import LandmarkTable
from noise2music.labeling.retrieval.cosine import MILLION, check_unit
from noise2music.labeling.retrieval.nearest import fetcher, rank

LEAST_SHARE = 0.3
"""A clip is flagged from this share of matching landmarks on. Measured by benchmarks/duplicates.py: 10 s excerpts of training clips with
noise at 20 dB, resampled and shifted, lie above it; other pieces, also of the same genre, below."""
LEAST_COSINE = 0.995
"""A clip is flagged from this cosine on, whatever its landmarks. Pieces of one genre with the same instruments come near it. The scorer
hears no melody, so a noisy copy may lie below: the cosine finds similar sound, the landmarks find copies."""
DIGITS = 6


@dataclass(frozen=True)
class Duplicates:
    """A clip compared with the training set. nearest, cosine: the training clip with the nearest embedding. matching, share: the training
    clip with the largest share of matching landmarks (None, 0 without any). flagged: whether cosine or share reaches its threshold.
    """

    nearest: str
    cosine: float
    matching: str | None
    share: float
    flagged: bool


class TrainingSet:
    """digest: of what it was made from. scorer: identity of the scorer whose embeddings it holds. Threads may share it."""

    def __init__(self, digest: str, scorer: str, clip_ids: Sequence[str], embeddings: Float32s, landmarks: Sequence[Landmarks]) -> None:
        """clip_ids (N > 0), embeddings (N, dim) unit vectors, landmarks of each clip. Raises ValueError for vectors that are not unit."""
        check_unit(embeddings, "embeddings of the training set")
        if not len(clip_ids) == len(embeddings) == len(landmarks) > 0:
            raise ValueError(f"{len(clip_ids)} clips, {len(embeddings)} embeddings and {len(landmarks)} fingerprints")
        self.digest, self.scorer = digest, scorer
        self._clip_ids = tuple(clip_ids)
        self._embeddings = np.ascontiguousarray(embeddings)
        self._fetcher = fetcher(self._embeddings)
        self._table = LandmarkTable(landmarks)

    def __len__(self) -> int:
        return len(self._clip_ids)

    def find_duplicates(self, audio: Float32s, rate: int, embedding: Float32s) -> Duplicates:
        """(samples,) mono at `rate` Hz and its embedding (dim,) by the same scorer -> its nearest neighbours. A pure function."""
        nearest = rank(embedding[None], self._embeddings, 1, self._fetcher)
        cosine = int(nearest.millionths[0, 0]) / MILLION
        repeated = self._table.look_up(find_landmarks(audio, rate, QUERY_SHIFTS), len(audio) / rate)
        share = round(repeated.share, DIGITS)
        return Duplicates(
            nearest=self._clip_ids[int(nearest.rows[0, 0])],
            cosine=cosine,
            matching=self._clip_ids[repeated.clip] if repeated.clip >= 0 else None,
            share=share,
            flagged=share >= LEAST_SHARE or cosine >= LEAST_COSINE,
        )
