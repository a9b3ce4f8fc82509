"""What is measured between two lines of the log, summed over all ranks when the line is written."""

import resource
from dataclasses import dataclass

import torch
from torch import Tensor

from models.training.parallel import Place, total
from models.training.throughput import Cost

QUARTILES = 4


@dataclass(frozen=True)
class Figures:
    """Means over a window. loss_quartile_N: of clips whose time lay in that quarter of [0, 1), the first nearly clean; None without one.
    data_wait: share of the time that the loop waited for clips.
    """

    loss: float
    loss_quartile_1: float | None
    loss_quartile_2: float | None
    loss_quartile_3: float | None
    loss_quartile_4: float | None
    gradient_norm: float
    clips_per_second: float
    mfu: float
    data_wait: float
    memory_mb: float


class Window:
    """Sums since the last line: losses by quartile of time (of noise), gradient norms, seconds and seconds waited for data."""

    def __init__(self, place: Place, cost: Cost, peak: float) -> None:
        self._place, self._cost, self._peak = place, cost, peak
        self._clear()

    def _clear(self) -> None:
        self._sums = torch.zeros(2, QUARTILES, dtype=torch.float64, device=self._place.device)
        self.clips = 0
        self.updates = 0
        self.norms = 0.0
        self.seconds = 0.0
        self.waited = 0.0

    def add_losses(self, losses: Tensor, times: Tensor) -> None:
        """(B,) losses at times (B,) in [0, 1)."""
        quartile = (times.to(losses.device) * QUARTILES).long().clamp(0, QUARTILES - 1)
        self._sums[0].index_add_(0, quartile, losses.double())
        self._sums[1].index_add_(0, quartile, torch.ones_like(losses, dtype=torch.float64))

    def close(self) -> Figures:
        """The figures of this window, and a new one begins; every rank has to call it."""
        losses, counts = (row.tolist() for row in total(self._sums, self._place))
        rate = self.clips / max(self.seconds, 1e-9)
        quartiles = [loss / count if count else None for loss, count in zip(losses, counts, strict=True)]
        figures = Figures(
            loss=sum(losses) / max(1.0, sum(counts)),
            loss_quartile_1=quartiles[0],
            loss_quartile_2=quartiles[1],
            loss_quartile_3=quartiles[2],
            loss_quartile_4=quartiles[3],
            gradient_norm=self.norms / max(1, self.updates),
            clips_per_second=rate,
            mfu=rate * self._cost.flops / (self._peak * self._place.world),
            data_wait=self.waited / max(self.seconds, 1e-9),
            memory_mb=_memory(self._place.device) / 2**20,
        )
        self._clear()
        return figures


def _memory(device: torch.device) -> int:
    """The most bytes that this process has held so far: on the GPU where there is one, otherwise in all."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
