"""What a line of the log says, against sums made by hand."""

import pytest
import torch

from noise2music.models.training.log import Window
from noise2music.models.training.parallel import DistContext
from noise2music.models.training.plan import Cost


def test_figures_are_means_over_the_window() -> None:
    window = Window(DistContext(0, 1, torch.device("cpu")), Cost(10, 2e9), 1e12)
    window.add_losses(torch.tensor([1.0, 2.0, 6.0]), torch.tensor([0.1, 0.2, 0.99], dtype=torch.float64))
    window.add_losses(torch.tensor([3.0]), torch.tensor([0.6]))
    window.clips, window.updates, window.norms, window.seconds, window.waited = 4, 2, 5.0, 2.0, 0.1
    figures = window.close()
    assert figures.loss == 3.0
    assert (figures.loss_quartile_1, figures.loss_quartile_2) == (1.5, None)
    assert (figures.loss_quartile_3, figures.loss_quartile_4) == (3.0, 6.0)
    assert figures.gradient_norm == 2.5
    assert figures.clips_per_second == 2.0
    assert figures.data_wait == pytest.approx(0.05)
    assert figures.mfu == pytest.approx(2.0 * 2e9 / 1e12)
    assert figures.memory_mb > 10
    assert (window.clips, window.seconds) == (0, 0.0)
