"""Loads the configured scorer."""

from pathlib import Path

import torch

from noise2music.core.device import choose_device
from noise2music.labeling.scorers.base import Scorer
from noise2music.labeling.settings import ScorerSettings


def load_scorer(settings: ScorerSettings, device: str) -> Scorer:
    """Load "starter", a LAION .pt file, a folder or a hub id. `device`: "auto", "cpu" or "cuda". Raises UserError.

    On a CPU torch uses one thread: results may depend on the number of threads, and workers already use all cores.
    """
    device = choose_device(device)
    if device == "cpu":
        torch.set_num_threads(1)
    if settings.model == "starter":
        from noise2music.labeling.scorers.starter import load_starter

        return load_starter(device)
    if Path(settings.model).suffix == ".pt":
        from noise2music.labeling.scorers.laion import load_laion

        return load_laion(Path(settings.model), device)
    from noise2music.labeling.scorers.clap import load_clap

    return load_clap(settings.model, settings.revision, device)
