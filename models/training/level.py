"""How loud training audio is. It is taken as the shards have it: loudness is part of music, and a text can speak of it."""

import math

import numpy as np
import torch

from noise2music.models.cascade.stage import Stage
from noise2music.models.cascade.training_pairs import x0_of
from noise2music.models.cascade.weights import Level
from noise2music.models.data.loader import Loader
from noise2music.models.data.shards import Shards

CLIPS = 64
_AT_ONCE = 8


def measure_level(stage: Stage, shards: Shards, seed: int) -> Level:
    """Root mean square of the first clips of a run, and the standard deviation of what they are to this stage's network."""
    squares, samples, sums, spreads, values = 0.0, 0, 0.0, 0.0, 0
    at_once = min(_AT_ONCE, shards.clips)
    with Loader(shards, seed, stage.crop_samples, at_once) as loader:
        for _, clips in zip(range(-(-min(CLIPS, shards.clips) // at_once)), loader, strict=False):
            for clip in clips:
                squares += float(np.square(clip.audio, dtype=np.float64).sum())
                samples += clip.valid
            x0 = x0_of(stage, torch.from_numpy(np.stack([clip.audio for clip in clips]))).double()
            sums, spreads, values = sums + float(x0.sum()), spreads + float(x0.square().sum()), values + x0.numel()
    rms = math.sqrt(squares / max(1, samples))
    mean = sums / max(1, values)
    spread = math.sqrt(max(0.0, spreads / max(1, values) - mean**2))
    return Level(rms_dbfs=round(20 * math.log10(max(rms, 1e-6)), 2), spread=round(spread, 4))
