"""What was trained on, ready to be compared with."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.labeling.memorization.landmarks import QUERY_SHIFTS, Landmarks, find_landmarks
from noise2music.labeling.memorization.table import LandmarkTable
from noise2music.labeling.retrieval.cosine import MILLION, check_unit
from noise2music.labeling.retrieval.nearest import fetcher, rank

LEAST_SHARE = 0.3
"""From this share of matching landmarks on a clip is flagged. Measured by benchmarks/duplicates.py: excerpts of 10 s of training clips with
noise at 20 dB, resampled and shifted, lie above it; other pieces, of the same genre too, below."""
LEAST_COSINE = 0.995
"""From this cosine on a clip is flagged, whatever its landmarks. Pieces of one genre with the same instruments come near it, and the
scorer hears no melody, so that a copy with noise may lie below: the cosine finds what sounds alike, the landmarks find copies."""
DIGITS = 6


@dataclass(frozen=True)
class Duplicates:
    """A clip beside the training set. nearest, cosine: the clip whose embedding is nearest. matching, share: the clip of whose landmarks
    the largest share was found (None, 0 where none was). flagged: one of the two is at or above its threshold.
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
