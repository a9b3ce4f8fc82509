"""How well a clip fits its prompt, by the scorer: the cosine of the two."""

import numpy as np

from labeling.errors import RowError
from labeling.resample import resample
from labeling.scorers.base import Float32s, Scorer

DIGITS = 6


def embed_audio(scorer: Scorer, audio: Float32s, rate: int) -> Float32s:
    """(samples,) mono at `rate` Hz -> (dim,) unit vector: the mean over its windows. Raises RowError where that is no number."""
    windows = scorer.windows(resample(audio, rate, scorer.sample_rate))
    embedding = scorer.pool(scorer.network(windows).numpy().astype(np.float32))
    if not np.isfinite(embedding).all():
        raise RowError("not_finite", "the scorer gave NaN or infinity for this clip")
    return embedding


def embed_prompt(scorer: Scorer, prompt: str) -> Float32s:
    """A prompt -> (dim,) unit vector."""
    return np.asarray(scorer.embed_text([prompt]).joint[0], np.float32)


def score(audio: Float32s, prompt: Float32s) -> float:
    """The cosine of two unit vectors, rounded so that sums in another order say the same."""
    return round(float(audio.astype(np.float64) @ prompt.astype(np.float64)), DIGITS)
