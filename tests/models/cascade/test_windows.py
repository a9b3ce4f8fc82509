"""Windows cover a signal once, and a local network in windows is the network on the whole."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.windows import reach, windowed, windows
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.network.unet import UNet
from tests.models.generation.small_cascade import small_network, small_stage

LOCAL = ("waveform-cascader", "vocoder", "super-resolution")


@settings(max_examples=200)
@given(st.integers(1, 900), st.integers(16, 200), st.floats(0.05, 0.9), st.integers(0, 20), st.sampled_from([1, 4, 6]))
def test_weights_add_up_to_one_everywhere(total: int, length: int, share: float, halo: int, stride: int) -> None:
    overlap = max(2 * halo + 1, round(share * length))
    if (length - overlap) // stride < 1:
        return
    over = windows(total, length, overlap, halo, stride)
    summed = torch.zeros(total)
    for number, window in enumerate(over):
        assert window.start % stride == 0
        assert window.end - window.start <= length
        assert number == 0 or window.rise[0] >= window.start + halo
        assert number == len(over) - 1 or window.fall[1] <= window.end - halo
        summed[window.rise[0] : window.fall[1]] += window.weight()
    assert (over[0].start, over[-1].end) == (0, total)
    assert torch.allclose(summed, torch.ones(total), atol=1e-6)


def test_windows_that_do_not_advance() -> None:
    with pytest.raises(ValueError, match="do not advance by a stride of 64"):
        windows(1000, 100, 50, 0, 64)
    with pytest.raises(ValueError, match="do not advance"):
        windows(1000, 100, 20, 10, 4)


def entering(stage_name: str, positions: int) -> tuple[UNet, Inputs, int]:
    stage = small_stage(stage_name)  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(1)
    signal = torch.randn(1, 80 if stage_name == "vocoder" else 1, positions // (160 if stage_name == "vocoder" else 1), generator=generator)
    text = torch.randn(1, 5, 384, generator=generator) if stage.tokens else None
    mask = torch.ones(1, 5, dtype=torch.bool) if stage.tokens else None
    level = torch.full((1,), 9.0)
    inputs = (
        Inputs(concat_cond=None, local_cond=signal, aug_log_snr=level)
        if stage_name == "vocoder"
        else Inputs(concat_cond=signal, aug_log_snr=level)
    )
    return small_network(stage), Inputs(inputs.concat_cond, inputs.local_cond, text, mask, level), stage.unet.stride


@pytest.mark.parametrize("name", LOCAL)
def test_a_local_network_in_windows_is_the_network_on_the_whole(name: str) -> None:
    network, inputs, stride = entering(name, 8000)
    halo = reach(network.shape)
    x, log_snr = torch.randn(1, 1, 8000, generator=torch.Generator().manual_seed(0)), torch.zeros(1)
    whole = network(x, log_snr, inputs)
    over = windows(8000, 3000, 2 * halo + stride, halo, stride)
    assert len(over) > 2
    parts = windowed(network, over, stride)(x, log_snr, inputs)
    assert float((parts - whole).abs().max()) <= 1e-5 * float(whole.std())


@pytest.mark.parametrize("name", LOCAL)
def test_reach_is_as_far_as_a_network_sees(name: str) -> None:
    """A change at one place changes nothing further away than `reach`, and something at a quarter of it."""
    network, inputs, _ = entering(name, 8000)
    x, log_snr = torch.randn(1, 1, 8000, generator=torch.Generator().manual_seed(0)), torch.zeros(1)
    other = x.clone()
    other[..., 4000] += 10
    changed = (network(x, log_snr, inputs) != network(other, log_snr, inputs))[0, 0].nonzero().flatten()
    furthest = max(4000 - int(changed.min()), int(changed.max()) - 4000)
    assert reach(network.shape) // 4 < furthest <= reach(network.shape)


def test_reach_of_the_tiny_stages_is_a_fraction_of_a_second() -> None:
    for name in LOCAL:
        stage = stage_of("tiny", name)
        assert stage.unet.local
        assert reach(stage.unet) / stage.signal.rate < 0.5
