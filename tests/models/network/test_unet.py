"""The U-Net: the paper's sizes, text that is masked or dropped, lengths, and activations that are computed again."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from noise2music.models.cascade.presets import PAPER
from noise2music.models.cascade.stage import Stage
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.network.layers import Conv1d, ConvTranspose1d, GroupNorm
from noise2music.models.network.shape import UNetShape
from noise2music.models.network.unet import UNet

MILLIONS = (724, 487, 745, 25.7, 81)
SMALL = UNetShape(1, 1, 8, 3, (2, 4), (1, 2), (1, 2), (False, True), (False, True), 2, text_width=6)
LOCAL = UNetShape(2, 1, 8, 3, (2, 4), (1, 2), (1, 2), (False, False), (False, False), 2, noise_level_cond=True, norm="position")


def trained(shape: UNetShape) -> UNet:
    """A network none of whose layers is still at zero."""
    torch.manual_seed(0)
    network = UNet(shape)
    for parameter in network.parameters():
        parameter.data += 0.2 * torch.randn_like(parameter)
    return network.eval()


def texted(batch: int, tokens: int, real: list[int]) -> Inputs:
    text = torch.randn(batch, tokens, 6, generator=torch.Generator().manual_seed(3))
    return Inputs(text=text, text_mask=torch.arange(tokens) < torch.tensor(real)[:, None])


@pytest.mark.parametrize("variant", ["bottom_once", "up_width"])
@pytest.mark.parametrize(("stage", "millions"), zip(PAPER, MILLIONS, strict=True), ids=[stage.name for stage in PAPER])
def test_parameters_of_table_2(stage: Stage, millions: float, variant: str) -> None:
    """Within 5 %: with T5-XXL where the bottom exists once, with a text width of 1024 where the up side runs at the narrower width."""
    text = {"bottom_once": 4096, "up_width": 1024}[variant] if stage.tokens else 0
    with torch.device("meta"):
        network = UNet(replace(stage.unet, variant=variant, text_width=text))
    assert sum(parameter.numel() for parameter in network.parameters()) / 1e6 == pytest.approx(millions, rel=0.05)


def test_lengths_for_thirty_seconds() -> None:
    assert [stage.unet.stride for stage in PAPER] == [4096, 1024, 96, 160, 256]


@pytest.mark.parametrize("length", [1, 7, 8, 9, 64, 67])
@pytest.mark.parametrize("variant", ["bottom_once", "up_width"])
def test_any_length_is_kept(length: int, variant: str) -> None:
    network = trained(replace(SMALL, variant=variant, kernel=5))
    assert network(torch.randn(2, 1, length), torch.zeros(2), Inputs()).shape == (2, 1, length)


def test_padding_of_the_text_changes_nothing() -> None:
    network, x = trained(SMALL), torch.randn(2, 1, 40)
    short = texted(2, 5, [5, 3])
    assert short.text is not None
    padded = torch.cat([short.text, torch.full((2, 9, 6), 7.0)], 1)
    long = Inputs(text=padded, text_mask=torch.arange(14) < torch.tensor([5, 3])[:, None])
    assert torch.allclose(network(x, torch.zeros(2), short), network(x, torch.zeros(2), long), atol=1e-5)
    assert not torch.allclose(network(x, torch.zeros(2), short), network(x, torch.zeros(2), texted(2, 5, [4, 3])), atol=1e-3)


def test_a_dropped_text_is_no_text() -> None:
    """Section 3.5: the outputs of cross-attention are zero, so it may as well be skipped."""
    network, x, log_snr = trained(SMALL), torch.randn(3, 1, 40), torch.tensor([-1.0, 0.0, 1.0])
    mixed = network(x, log_snr, texted(3, 5, [0, 4, 0]))
    without, full = network(x, log_snr, Inputs()), network(x, log_snr, texted(3, 5, [4, 4, 4]))
    assert torch.allclose(mixed[[0, 2]], without[[0, 2]], atol=1e-5)
    assert torch.allclose(mixed[1], full[1], atol=1e-5)
    assert not torch.allclose(mixed[1], without[1], atol=1e-3)


def test_gradients_reach_every_parameter_even_without_text() -> None:
    network = trained(SMALL).train()
    network(torch.randn(2, 1, 40), torch.zeros(2), texted(2, 5, [0, 0])).square().mean().backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
    network.zero_grad()
    network(torch.randn(2, 1, 40), torch.zeros(2), texted(2, 5, [4, 5])).square().mean().backward()
    assert all(parameter.grad is not None and parameter.grad.abs().max() > 0 for parameter in network.parameters())


def test_activations_computed_again_give_the_same_gradients() -> None:
    network, x, inputs = trained(SMALL).train(), torch.randn(2, 1, 40), texted(2, 5, [4, 5])

    def gradients(depths: frozenset[int]) -> list[Tensor]:
        network.checkpointed = depths
        network.zero_grad()
        network(x, torch.zeros(2), inputs).square().mean().backward()
        return [parameter.grad.clone() for parameter in network.parameters() if parameter.grad is not None]

    assert all(torch.equal(a, b) for a, b in zip(gradients(frozenset()), gradients(frozenset({0, 1})), strict=True))


@pytest.mark.parametrize("stride", [1, 2, 4])
def test_the_layout_in_memory_changes_nothing(stride: int) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 6, 40, requires_grad=True)
    pairs: list[tuple[nn.Module, nn.Module]] = [
        (Conv1d(6, 4, 5, stride, padding=2), nn.Conv1d(6, 4, 5, stride, padding=2)),
        (
            ConvTranspose1d(6, 4, 2 * stride + 1, stride, padding=stride, output_padding=stride - 1),
            nn.ConvTranspose1d(6, 4, 2 * stride + 1, stride, padding=stride, output_padding=stride - 1),
        ),
        (GroupNorm(3, 6), nn.GroupNorm(3, 6)),
    ]
    for ours, plain in pairs:
        plain.load_state_dict(ours.state_dict())
        found, wanted = ours(x), plain(x)
        assert torch.allclose(found, wanted, atol=1e-5)
        (left,), (right,) = (torch.autograd.grad(y.square().sum(), x) for y in (found, wanted))
        assert torch.allclose(left, right, atol=1e-4)


def test_a_fresh_network_says_nothing() -> None:
    assert not UNet(SMALL)(torch.randn(1, 1, 16), torch.zeros(1), Inputs()).any()


def test_a_local_network_is_the_same_in_pieces() -> None:
    network = trained(LOCAL)
    x, concat_cond = torch.randn(1, 1, 2048), torch.randn(1, 1, 2048)
    whole = network(x, torch.zeros(1), Inputs(concat_cond=concat_cond))
    halo, cut = 256, slice(1024 - 256, 1536 + 256)
    piece = network(x[..., cut], torch.zeros(1), Inputs(concat_cond=concat_cond[..., cut]))[..., halo:-halo]
    assert LOCAL.local
    assert not SMALL.local
    assert torch.allclose(piece, whole[..., 1024:1536], atol=1e-4)


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        (Inputs(concat_cond=torch.zeros(1, 2, 16)), "reads 1 channels, not 1 with 2"),
        (Inputs(local_cond=torch.zeros(1, 3, 2)), "takes no local_cond"),
        (Inputs(text=torch.zeros(1, 3, 6)), "text and text_mask go together"),
        (Inputs(text=torch.zeros(1, 3, 5), text_mask=torch.ones(1, 3, dtype=torch.bool)), "embeddings 6 wide, not 5"),
    ],
)
def test_inputs_that_do_not_fit(inputs: Inputs, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        UNet(SMALL)(torch.zeros(1, 1, 16), torch.zeros(1), inputs)


def test_concat_cond_of_another_length() -> None:
    with pytest.raises(ValueError, match="as long as x, 16 positions, not 12"):
        UNet(LOCAL)(torch.zeros(1, 1, 16), torch.zeros(1), Inputs(concat_cond=torch.zeros(1, 1, 12)))


def test_heads_divide_the_narrower_width_where_blocks_stand_there() -> None:
    replace(SMALL, heads=16)
    with pytest.raises(ValueError, match="16 heads do not divide a width of 8"):
        replace(SMALL, heads=16, variant="up_width", kernel=5)


@pytest.mark.parametrize(
    "changes", [{"blocks": (1,)}, {"kernel": 4}, {"text_width": 0}, {"heads": 3}, {"variant": "up_width", "kernel": 3}]
)
def test_shapes_that_cannot_be(changes: dict) -> None:
    with pytest.raises(ValueError, match="U-Net|kernel|text_width|heads"):
        replace(SMALL, **changes)
