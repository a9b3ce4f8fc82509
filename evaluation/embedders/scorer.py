"""A scorer of the project as a network that hears: one unit vector a clip, the very one that labels are made with."""

from typing import Literal

import numpy as np
import torch

from noise2music.core.arrays import Float32s
from noise2music.core.device import one_thread
from noise2music.labeling.scorers.base import Scorer
from noise2music.labeling.scorers.load import load_scorer
from noise2music.labeling.settings import ScorerSettings

_WINDOWS = 16
"""A network call, as in labeling."""


class ScorerEmbedder:
    """Implements evaluation.embedders.base.Embedder. scorer: what labeling uses; its `embed_text` gives text in the same space."""

    unit: Literal["frame", "clip"] = "clip"
    min_seconds = 0.0

    def __init__(self, scorer: Scorer) -> None:
        self.scorer = scorer
        self.name, self.identity = scorer.name, scorer.identity
        self.sample_rate, self.dimension = scorer.sample_rate, scorer.dim

    def embed(self, audio: Float32s) -> Float32s:
        """(samples,) mono at `sample_rate` in [-1, 1] -> (1, dimension), the mean over the scorer's windows; no row without samples."""
        if not len(audio):
            return np.zeros((0, self.dimension), np.float32)
        with one_thread():
            windows = self.scorer.preprocess(audio)
            outputs = [self.scorer.encode_audio(windows[start : start + _WINDOWS]) for start in range(0, len(windows), _WINDOWS)]
            return self.scorer.pool(torch.cat(outputs).numpy().astype(np.float32))[None]


def load_scorer_embedder(model: str, device: str = "cpu") -> ScorerEmbedder:
    """model: "starter", a hub id, a folder of a CLAP model, or a LAION .pt file. Raises UserError where there is none."""
    threads = torch.get_num_threads()
    try:
        return ScorerEmbedder(load_scorer(ScorerSettings(model=model), device))
    finally:
        torch.set_num_threads(threads)
