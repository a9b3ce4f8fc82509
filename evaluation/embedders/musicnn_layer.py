"""musicnn as a network that hears: the last layer before the tags of the two taggers (Pons and Serra 2019, arXiv 1909.06654)."""

import hashlib
from collections.abc import Sequence
from typing import Literal

import numpy as np
import torch

from noise2music.core.arrays import Float32s
from noise2music.core.device import one_thread
from noise2music.labeling.scorers import musicnn
from noise2music.labeling.scorers.musicnn import Tagger, load_taggers
from noise2music.labeling.scorers.musicnn_weights import TAGGERS, load_tagger_weights

VERSION = 1
"""Raise it when an embedding changes although no weight does."""


class MusicnnLayer:
    """Implements evaluation.embedders.base.Embedder: a row every 3 s, 200 numbers of the MagnaTagATune tagger and 200 of the MSD one."""

    name = "musicnn"
    sample_rate = musicnn.SAMPLE_RATE
    dimension = len(TAGGERS) * musicnn.PENULTIMATE
    unit: Literal["frame", "clip"] = "frame"
    min_seconds = (musicnn.FRAMES - 1) * musicnn.HOP / musicnn.SAMPLE_RATE
    """Below it the front end would repeat the clip until it fills a window, which would be heard as rhythm."""

    def __init__(self, taggers: Sequence[Tagger], identity: str) -> None:
        self.taggers = taggers
        self.identity = identity

    def embed(self, audio: Float32s) -> Float32s:
        """(samples,) mono at 16 kHz in [-1, 1] -> (full windows of 187 frames, 400); no rows below `min_seconds`."""
        if len(audio) < self.min_seconds * self.sample_rate:
            return np.zeros((0, self.dimension), np.float32)
        with one_thread(), torch.inference_mode():
            windows = musicnn.windows(audio)
            rows = [torch.cat([tagger(window)[1] for tagger in self.taggers], 1) for window in windows.unsqueeze(1)]
            return np.asarray(torch.cat(rows).numpy(), np.float32)


def load_musicnn_layer() -> MusicnnLayer:
    """From the package, the cache, or out of its distribution file. Raises UserError where the weights cannot be had."""
    digest = hashlib.sha256(f"musicnn penultimate {VERSION}".encode())
    for tagger, weights in sorted(load_tagger_weights().items()):
        for name in sorted(weights):
            digest.update(f"{tagger}/{name}".encode() + weights[name].tobytes())
    return MusicnnLayer(load_taggers(), digest.hexdigest())
