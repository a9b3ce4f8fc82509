"""The scorer of a run: a small handle that travels to the workers, and loads there once a process."""

import threading
from dataclasses import dataclass
from functools import lru_cache

from noise2music.core.device import choose_device
from noise2music.labeling.retrieval.nearest import Device
from noise2music.labeling.scorers.base import Scorer
from noise2music.labeling.scorers.load import load_scorer
from noise2music.labeling.settings import ScorerSettings

_loading = threading.Lock()


@lru_cache(maxsize=2)
def _load(settings: ScorerSettings, device: str) -> Scorer:
    return load_scorer(settings, device)


@dataclass(frozen=True)
class ScorerHandle:
    """Which scorer, on which device, and what has to be known of it before it is loaded."""

    settings: ScorerSettings
    device: Device
    name: str
    identity: str
    dim: int
    text_dim: int

    def load(self) -> Scorer:
        """The scorer itself; threads of one process get the same."""
        with _loading:
            return _load(self.settings, self.device)


def open_scorer(settings: ScorerSettings, device: str) -> ScorerHandle:
    """Load the scorer here once, to know its identity and dimensions."""
    with _loading:
        scorer = _load(settings, device)
    return ScorerHandle(settings, choose_device(device), scorer.name, scorer.identity, scorer.dim, scorer.text_dim)
