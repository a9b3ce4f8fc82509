"""From a configured model to a scorer that is ready."""

from pathlib import Path
from typing import Literal

import torch

from labeling.errors import UserError
from labeling.scorers.base import Scorer
from labeling.settings import ScorerSettings


def choose_device(device: str) -> Literal["cpu", "cuda"]:
    """ "auto" -> "cuda" where there is one, else "cpu". Raises UserError when "cuda" is asked for and there is none."""
    available = torch.cuda.is_available()
    if device == "cuda" and not available:
        raise UserError('run.device = "cuda", but torch sees no CUDA device. Set run.device = "auto" or mend the driver.')
    return "cuda" if device != "cpu" and available else "cpu"


def load_scorer(settings: ScorerSettings, device: str) -> Scorer:
    """Load "starter", a LAION .pt file, a folder or a hub id. `device`: "auto", "cpu" or "cuda". Raises UserError.

    On a CPU torch is held to one thread: results may depend on the number of threads, and workers already use all cores.
    """
    device = choose_device(device)
    if device == "cpu":
        torch.set_num_threads(1)
    if settings.model == "starter":
        from labeling.scorers.starter import load_starter

        return load_starter(device)
    if Path(settings.model).suffix == ".pt":
        from labeling.scorers.laion import load_laion

        return load_laion(Path(settings.model), device)
    from labeling.scorers.clap import load_clap

    return load_clap(settings.model, settings.revision, device)
