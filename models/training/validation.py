"""A loss on a fixed grid of clips, noise levels and noise, so that two runs, or two moments of one, compare without luck."""

from dataclasses import dataclass

import torch
from torch import nn

from models.cascade.stage import Stage
from models.training.batch import Batch
from models.training.loss import draw_noise, draw_pair, losses_of


@dataclass(frozen=True)
class GridLoss:
    """loss: the mean over the grid. by_level: mean at each time, from nearly clean to nearly noise."""

    loss: float
    by_level: tuple[float, ...]


@dataclass(frozen=True)
class Grid:
    """`batch` at each of `levels` times in the middle of equal parts of [0, 1], `at_once` clips at a time."""

    stage: Stage
    batch: Batch
    levels: int
    seed: int
    at_once: int

    def __call__(self, network: nn.Module, precision: torch.dtype) -> GridLoss:
        """The losses with the weights that the network has now; nothing is learned."""
        sums = torch.zeros(self.levels, dtype=torch.float64)
        device = self.batch.audio.device
        for part in self.batch.parts(self.at_once):
            pair = draw_pair(self.stage, part, self.seed)
            inputs = part.with_text(pair.inputs)
            for level in range(self.levels):
                time = torch.full((len(part.numbers),), (level + 0.5) / self.levels, dtype=torch.float64)
                lam = self.stage.schedule(time).float().to(device)
                eps = draw_noise(self.seed, [number * self.levels + level for number in part.numbers], pair.x0)
                with torch.no_grad():
                    sums[level] += losses_of(self.stage, network, pair, inputs, lam, eps, precision).double().sum().cpu()
        by_level = (sums / len(self.batch.numbers)).tolist()
        return GridLoss(sum(by_level) / self.levels, tuple(by_level))
