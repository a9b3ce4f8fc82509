"""What a plan says, against what can be counted by hand."""

import pytest
import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.stage import STAGES, StageName
from noise2music.models.network.unet import UNet
from noise2music.models.training.plan import Device, activation_bytes, cost_of, meta_inputs, plan_stage
from noise2music.models.training.recipe import Recipe, recipe_of


@pytest.mark.parametrize("name", STAGES)
def test_arithmetic_on_the_meta_device_is_that_of_a_real_pass(name: StageName) -> None:
    stage = stage_of("tiny", name)
    network = UNet(stage.unet)
    with sdpa_kernel(SDPBackend.MATH), FlopCounterMode(display=False) as counter, torch.no_grad():
        x = torch.zeros(1, stage.channels, stage.positions(stage.crop_samples))
        network(x, torch.zeros(1), meta_inputs(stage, stage.crop_samples, 1))
    assert cost_of(stage, stage.crop_samples).flops == pytest.approx(3 * counter.get_total_flops(), rel=0.02)


def test_activations_grow_with_the_crop_and_parameters_are_not_among_them() -> None:
    stage = stage_of("tiny", "super-resolution")
    one, two = activation_bytes(stage, stage.crop_samples), activation_bytes(stage, 2 * stage.crop_samples)
    assert two == pytest.approx(2 * one, rel=0.01)


def test_hours_follow_from_arithmetic() -> None:
    stage = stage_of("tiny", "vocoder")
    recipe = Recipe(clips=1000, global_batch_size=10)
    device = Device("made up", peak=1e12, memory=16e9, mfu=0.5)
    plan = plan_stage(stage, recipe, device)
    assert plan.clips_per_second == pytest.approx(0.5e12 / (plan.gflops_a_clip * 1e9), rel=1e-2)
    assert plan.gpu_hours == pytest.approx(1000 / plan.clips_per_second / 3600, abs=0.01)
    assert plan.state_gb == pytest.approx(plan.parameters * 20 / 1e9, abs=1e-3)


def test_the_papers_cascade() -> None:
    """Table 2 of the paper: parameters in millions."""
    device = Device("H100", 989e12, 80e9, 0.4)
    plans = [plan_stage(stage_of("paper", name), recipe_of("paper", name), device) for name in STAGES]
    for plan, millions in zip(plans, (724, 487, 745, 25.7, 81), strict=True):
        assert plan.parameters / 1e6 == pytest.approx(millions, rel=0.05)
        assert plan.micro_batch_size > 0
