from dataclasses import replace

import pytest
import torch
from torch import Tensor

from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.network.spectral_mask import SpectralMask
from noise2music.models.network.unet import UNet
from tests.models.network.test_unet import SMALL, trained

HOP = 32
MASKED = replace(SMALL, mask_channels=4, mask_depth=1)


def small_mask() -> SpectralMask:
    torch.manual_seed(0)
    return SpectralMask(HOP, channels=4, features=6, time_width=8)


def kept(mask: SpectralMask, x: Tensor, sigma: float) -> Tensor:
    with torch.no_grad():
        return mask.masked(x, torch.full((len(x), 1, 1), sigma), torch.zeros(len(x), 6, x.shape[-1] // HOP))


@pytest.mark.parametrize("frames", [1, 2, 20])
def test_a_mask_of_ones_gives_x_back(frames: int) -> None:
    mask = small_mask()
    torch.nn.init.constant_(mask.exit.bias, 60.0)
    x = torch.randn(3, 1, frames * HOP)
    torch.testing.assert_close(kept(mask, x, 1.0), x, atol=1e-5, rtol=0)


def test_before_any_training_it_keeps_a_tone_and_takes_noise_away() -> None:
    tone = torch.sin(torch.arange(200 * HOP) * 0.7)[None, None]
    noise = torch.randn(1, 1, 200 * HOP, generator=torch.Generator().manual_seed(3))
    inside = slice(8 * HOP, -8 * HOP)

    def power(x: Tensor) -> float:
        return float(x[..., inside].square().mean())

    assert power(kept(small_mask(), noise, 1.0)) < 0.25
    with_tone = kept(small_mask(), tone + 0.3 * noise, 0.3)
    assert power(with_tone - tone) < 0.3 * 0.3**2
    assert power(kept(small_mask(), tone, 0.01) - tone) < 1e-6


def test_what_is_louder_than_its_noise_by_the_same_is_kept_by_the_same() -> None:
    x = torch.randn(1, 1, 30 * HOP)
    torch.testing.assert_close(kept(small_mask(), 5 * x, 0.5), 5 * kept(small_mask(), x, 0.1))


def test_a_network_begins_as_the_one_without_a_mask() -> None:
    network, x, log_snr = UNet(MASKED), torch.randn(2, 1, 64), torch.tensor([-3.0, 3.0])
    parameters = trained(SMALL).state_dict()
    network.load_state_dict({**network.state_dict(), **parameters})
    plain = UNet(SMALL)
    plain.load_state_dict(parameters)
    assert torch.equal(network(x, log_snr, Inputs()), plain(x, log_snr, Inputs()))


def test_text_reaches_the_mask_and_the_mask_the_output() -> None:
    network = trained(MASKED)
    inputs = Inputs(text=torch.randn(2, 3, 6), text_mask=torch.ones(2, 3, dtype=torch.bool))
    network(torch.randn(2, 1, 64), torch.zeros(2), inputs).square().mean().backward()
    for name, parameter in network.spectral_mask.named_parameters():  # type: ignore[union-attr]
        assert parameter.grad is not None, name
        assert parameter.grad.abs().max() > 0, name
    with torch.no_grad():
        network.exit.weight.zero_()
        network.exit.bias.zero_()
        told = network(torch.ones(2, 1, 64), torch.zeros(2), inputs)
        assert not torch.equal(told, network(torch.ones(2, 1, 64), torch.zeros(2), inputs.without_text()))


@pytest.mark.parametrize("length", [9, 63, 64, 4093])
def test_any_length_and_the_same_in_any_batch(length: int) -> None:
    network, x, log_snr = trained(MASKED), torch.randn(7, 1, length), torch.linspace(-10, 4, 7)
    with torch.no_grad():
        together = network(x, log_snr, Inputs())
        assert together.shape == x.shape
        for row in range(7):
            alone = network(x[row : row + 1], log_snr[row : row + 1], Inputs())[0]
            assert (alone - together[row]).abs().max() < 1e-3 * together[row].abs().max(), row


@pytest.mark.parametrize("log_snr", [-20.0, 20.0])
def test_the_ends_of_time_are_finite(log_snr: float) -> None:
    with torch.no_grad():
        assert trained(MASKED)(torch.randn(1, 1, 64), torch.tensor([log_snr]), Inputs()).isfinite().all()


@pytest.mark.parametrize("wrong", [{"mask_depth": 2}, {"channels_out": 2}, {"variant": "up_width", "kernel": 5}])
def test_a_mask_that_cannot_be_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a mask needs"):
        replace(MASKED, **wrong)  # type: ignore[arg-type]
