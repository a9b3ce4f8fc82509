"""Schedules and steps against the paper's tables."""

import pytest
import torch

from noise2music.models.cascade.presets import PAPER
from noise2music.models.diffusion.schedule import Schedule, alpha_sigma
from noise2music.models.diffusion.steps import log_snrs, times, uniform

TIMES = torch.tensor([0, 0.01, 0.05, 0.2, 0.5, 0.8, 0.95, 1], dtype=torch.float64)


def test_the_papers_lambdas() -> None:
    """Cosine: section 3.2. Beta-linear: -ln(expm1(1e-4 + 10 t^2)), worked out for the same times."""
    cosine = [20, 8.30, 5.08, 2.25, 0, -2.25, -5.08, -20]
    linear = [9.21, 6.81, 3.67, 0.71, -2.41, -6.40, -9.03, -10.0]
    assert Schedule("cosine")(TIMES).tolist() == pytest.approx(cosine, abs=0.006)
    assert Schedule("beta_linear")(TIMES).tolist() == pytest.approx(linear, abs=0.011)


def test_flow_is_the_straight_path_at_unit_variance() -> None:
    alpha, sigma = alpha_sigma(Schedule("flow")(TIMES[1:-1]))
    assert torch.allclose(alpha / sigma, (1 - TIMES[1:-1]) / TIMES[1:-1])


@pytest.mark.parametrize("kind", ["cosine", "beta_linear", "flow"])
def test_noise_only_grows_and_variance_stays(kind: str) -> None:
    schedule = Schedule(kind, shift=-1.5)  # type: ignore[arg-type]
    log_snr = schedule(torch.linspace(0, 1, 1001, dtype=torch.float64))
    assert (log_snr.diff() <= 0).all()
    assert log_snr.abs().max() <= 20
    alpha, sigma = alpha_sigma(log_snr)
    assert torch.allclose(alpha.square() + sigma.square(), torch.ones_like(log_snr), atol=1e-12)
    inside = slice(100, 900)
    plain = Schedule(kind)(torch.linspace(0, 1, 1001, dtype=torch.float64))  # type: ignore[arg-type]
    assert torch.allclose(log_snr[inside], plain[inside] - 1.5)


def test_step_counts_of_table_7() -> None:
    assert [len(times(stage.sampling.step_schedule)) - 1 for stage in PAPER] == [1000, 800, 1000, 100, 800]
    for stage in PAPER:
        walked = times(stage.sampling.step_schedule)
        assert (walked[0], walked[-1]) == (1.0, 0.0)
        assert (walked.diff() < 0).all()
        assert (log_snrs(stage.sampling.step_schedule, stage.schedule).diff() > 0).all()


def test_front_heavy_means_many_small_steps_near_the_data() -> None:
    walked = times(PAPER[0].sampling.step_schedule).flip(0)
    assert walked[1:201].tolist() == pytest.approx([0.01 * n / 200 for n in range(1, 201)])
    assert float(walked[-2]) == pytest.approx(1 - 0.5 / 50)


@pytest.mark.parametrize("runs", [(), ((0.5, 3),), ((1.0, 0),), ((1.5, 3), (-0.5, 2))])
def test_runs_that_do_not_cover_the_interval(runs: tuple) -> None:
    with pytest.raises(ValueError, match="do not cover the interval"):
        times(runs)
    assert len(times(uniform(7))) == 8
