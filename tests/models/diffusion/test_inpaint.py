"""A known part stays, whatever the sampler, and RePaint's steps keep the distribution."""

import pytest
import torch
from torch import Tensor

from noise2music.models.diffusion.denoiser import inpaint
from noise2music.models.diffusion.sampler import ancestral, ddim, dpm_solver_2m, heun, repaint
from noise2music.models.diffusion.schedule import Schedule
from noise2music.models.diffusion.steps import log_snrs, uniform
from noise2music.models.signal.inpainting import Inpainting
from tests.models.diffusion.test_sampler import MEAN, SPREAD, exact, noise, start

PATH = log_snrs(uniform(30), Schedule("cosine"))


def fresh(like: Tensor) -> Tensor:
    return torch.randn(like.shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def test_repainted_reaches_mean_and_variance() -> None:
    found = repaint(exact, log_snrs(uniform(150), Schedule("cosine")), start(), noise, 3)
    assert float(found.mean()) == pytest.approx(MEAN, abs=0.01)
    assert float(found.std()) == pytest.approx(SPREAD, rel=0.03)
    x = start()[:100]
    assert torch.equal(repaint(exact, PATH, x, noise, 1), ddim(exact, PATH, x))


def test_what_is_known_stays_with_every_sampler() -> None:
    x = torch.randn(5, 1, 12, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    weight = torch.tensor([1, 1, 1, 1, 0.5, 0, 0, 0, 0, 1, 1, 0], dtype=torch.float64).expand(5, 1, 12)
    denoiser = inpaint(exact, Inpainting(torch.full_like(x, -3.0), weight))
    made = [sampler(denoiser, PATH, x) for sampler in (ddim, dpm_solver_2m, heun)]
    made.append(ancestral(denoiser, PATH, x, lambda _: fresh(x), 1.0))
    made.append(repaint(denoiser, PATH, x, lambda _: fresh(x), 2))
    for found in made:
        assert torch.equal(found[weight == 1], torch.full_like(found[weight == 1], -3.0))
        assert float(found[weight == 0].mean()) == pytest.approx(MEAN, abs=0.4)
        assert float(found[weight == 0.5].mean()) < MEAN - 1
