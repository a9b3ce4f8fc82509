"""Steps that are laid out in log SNR, in closed form."""

import math

import pytest
import torch

from noise2music.models.diffusion.schedule import Schedule
from noise2music.models.diffusion.steps import CLEANEST, NOISIEST, SigmaSpacing, log_snrs

SCHEDULES = [Schedule("cosine"), Schedule("beta_linear"), Schedule("flow"), Schedule("cosine", shift=-3.0)]


@pytest.mark.parametrize("schedule", SCHEDULES)
@pytest.mark.parametrize("kind", ["log_snr", "karras"])
def test_paths_rise_within_the_schedule(schedule: Schedule, kind: str) -> None:
    path = log_snrs(SigmaSpacing(kind, 20), schedule)  # type: ignore[arg-type]
    ends = schedule(torch.tensor([1.0, 0.0], dtype=torch.float64))
    assert len(path) == 21
    assert (path.diff() > 0).all()
    assert float(path[0]) == pytest.approx(max(float(ends[0]), NOISIEST))
    assert float(path[-1]) == pytest.approx(min(float(ends[1]), CLEANEST))


def test_equal_steps_of_lambda() -> None:
    sizes = log_snrs(SigmaSpacing("log_snr", 8), Schedule("beta_linear")).diff()
    assert torch.allclose(sizes, sizes.mean().expand(8))


def test_karras_levels_are_those_of_the_paper() -> None:
    """sigma_i = (80^(1/7) + i / (N - 1) (.002^(1/7) - 80^(1/7)))^7, equation 5 with N - 1 = 18 steps."""
    path = log_snrs(SigmaSpacing("karras", 18), Schedule("cosine"))
    expected = [(80 ** (1 / 7) + i / 18 * (0.002 ** (1 / 7) - 80 ** (1 / 7))) ** 7 for i in range(19)]
    assert torch.exp(-path / 2).tolist() == pytest.approx(expected)
    assert pytest.approx(-2 * math.log(80)) == NOISIEST


def test_a_path_has_a_step() -> None:
    with pytest.raises(ValueError, match="at least one step"):
        log_snrs(SigmaSpacing("karras", 0), Schedule("cosine"))
