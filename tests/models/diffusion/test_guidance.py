"""Guidance and clipping in closed form, and the denoiser that asks for both estimates only where they are needed."""

from dataclasses import replace

import pytest
import torch

from noise2music.models.diffusion.denoiser import make_denoiser
from noise2music.models.diffusion.guidance import DynamicClip, Guidance
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.prediction import eps_of_x0
from noise2music.models.network.shape import UNetShape
from noise2music.models.network.unet import UNet

SHAPE = UNetShape(1, 1, 8, 3, (2, 4), (1, 2), (1, 2), (False, True), (False, True), 2, text_width=6)


def estimates() -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(3, 2, 16, generator=generator), torch.randn(3, 2, 16, generator=generator)


def norms(x: torch.Tensor) -> torch.Tensor:
    return x.square().mean((1, 2)).sqrt()


def test_guidance_is_linear_in_eps() -> None:
    with_text, without = estimates()
    log_snr = torch.tensor([-1.0, 0.0, 2.0])
    x = torch.randn(3, 2, 16)
    guided = Guidance(5.0)(with_text, without)
    by_eps = 5 * eps_of_x0(with_text, x, log_snr) - 4 * eps_of_x0(without, x, log_snr)
    assert torch.allclose(eps_of_x0(guided, x, log_snr), by_eps, atol=1e-4)
    assert torch.equal(Guidance(1.0)(with_text, without), with_text)
    assert torch.allclose(Guidance(0.0)(with_text, without), without, atol=1e-6)


def test_an_interval_says_where_it_applies() -> None:
    guidance = Guidance(3.0, interval=(-4.0, 2.0))
    assert [guidance.applies(log_snr) for log_snr in (-5.0, -4.0, 0.0, 2.0, 2.1)] == [False, True, True, True, False]
    assert not Guidance(1.0).applies(0.0)


def test_rescaling_draws_the_spread_back() -> None:
    with_text, without = estimates()
    spread = Guidance(7.0, rescale=1.0)(with_text, without).flatten(1).std(1)
    assert torch.allclose(spread, with_text.flatten(1).std(1), rtol=1e-5)
    plain, half = Guidance(7.0)(with_text, without), Guidance(7.0, rescale=0.5)(with_text, without)
    ratio = with_text.flatten(1).std(1) / plain.flatten(1).std(1)
    assert torch.allclose(half, plain * (0.5 + 0.5 * ratio)[:, None, None], atol=1e-5)


def test_without_the_parallel_part_the_change_stands_at_right_angles() -> None:
    with_text, without = estimates()
    change = Guidance(4.0, apg_eta=0.0)(with_text, without) - with_text
    assert torch.allclose((change * with_text).sum((1, 2)), torch.zeros(3), atol=1e-3)
    full = Guidance(4.0)(with_text, without) - with_text
    half = Guidance(4.0, apg_eta=0.5)(with_text, without) - with_text
    assert torch.allclose(half, (change + full) / 2, atol=1e-5)


def test_a_radius_bounds_the_change() -> None:
    with_text, without = estimates()
    bounded = Guidance(2.0, apg_norm_threshold=0.1)(with_text, without) - with_text
    assert torch.allclose(norms(bounded), torch.full((3,), 0.1), rtol=1e-4)
    assert torch.equal(Guidance(2.0, apg_norm_threshold=100.0)(with_text, without), Guidance(2.0)(with_text, without))


def test_each_row_by_itself() -> None:
    with_text, without = estimates()
    guidance = Guidance(4.0, apg_eta=0.2, apg_norm_threshold=0.5, rescale=0.7)
    together = guidance(with_text, without)
    for row in range(3):
        assert torch.equal(guidance(with_text[row : row + 1], without[row : row + 1])[0], together[row])


def test_dynamic_clipping() -> None:
    quiet, loud = torch.linspace(-0.9, 0.9, 1000), torch.linspace(-4, 4, 1000)
    found = DynamicClip(percentile=0.9)(torch.stack([quiet, loud])[:, None])
    assert torch.equal(found[0, 0], quiet)
    assert float(found[1].abs().max()) == pytest.approx(1.0)
    assert (found[1].abs() > 0.9999).float().mean() == pytest.approx(0.1, abs=0.005)
    middle = loud.abs() < 3
    assert torch.allclose(found[1, 0][middle], loud[middle] / loud.abs().quantile(0.9), rtol=1e-2)


class Counted(UNet):
    """Counts its calls, and of those the ones without text."""

    def __init__(self) -> None:
        super().__init__(SHAPE)
        self.calls = self.without = 0

    def forward(self, x: torch.Tensor, log_snr: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        self.calls += 1
        self.without += inputs.text is None
        found: torch.Tensor = super().forward(x, log_snr, inputs)
        return found


@pytest.fixture
def network() -> Counted:
    torch.manual_seed(0)
    made = Counted()
    for parameter in made.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return made.eval()


TEXT = Inputs(text=torch.randn(2, 3, 6), text_mask=torch.ones(2, 3, dtype=torch.bool))


def test_outside_its_interval_the_second_estimate_is_not_made(network: Counted) -> None:
    denoiser = make_denoiser(network, "v", TEXT, Guidance(3.0, interval=(0.0, 5.0)))
    x = torch.randn(2, 1, 16)
    for log_snr, calls in ((-1.0, 1), (1.0, 3), (6.0, 4)):
        denoiser(x, torch.full((2,), log_snr))
        assert network.calls == calls
    assert network.without == 1


def test_one_pass_over_both_halves_is_two_passes(network: Counted) -> None:
    network.double()
    text = replace(TEXT, text=TEXT.text.double() if TEXT.text is not None else None)
    x, log_snr = torch.randn(2, 1, 16, dtype=torch.float64), torch.zeros(2, dtype=torch.float64)
    both = network(torch.cat([x, x]), torch.cat([log_snr, log_snr]), text.beside(text.without_text()))
    assert torch.allclose(both, torch.cat([network(x, log_snr, text), network(x, log_snr, text.without_text())]), atol=1e-9)


def test_what_is_unwanted_takes_the_place_of_nothing(network: Counted) -> None:
    negative = replace(TEXT, text=torch.randn(2, 3, 6))
    x, log_snr = torch.randn(2, 1, 16), torch.zeros(2)
    wanted, away = (make_denoiser(network, "v", told)(x, log_snr) for told in (TEXT, negative))
    found = make_denoiser(network, "v", TEXT, Guidance(2.0), negative=negative)(x, log_snr)
    assert torch.allclose(found, 2 * wanted - away, atol=1e-5)
    assert not torch.allclose(found, make_denoiser(network, "v", TEXT, Guidance(2.0))(x, log_snr), atol=1e-3)
