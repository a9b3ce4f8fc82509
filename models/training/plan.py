"""What training a stage will take, before it starts: parameters, arithmetic, memory, and hours on a given device."""

from dataclasses import dataclass

import torch
from torch import Tensor

from models.cascade.stage import Stage
from models.network.unet import UNet
from models.training.recipe import Recipe
from models.training.throughput import cost_of, meta_inputs

STATE_BYTES = 20
"""Of each parameter, in fp32: itself, its gradient, Adam's two moments, the average."""


@dataclass(frozen=True)
class Device:
    """A GPU to plan for: operations a second (dense, bf16), bytes of memory, and the share of the peak that training is taken to reach."""

    name: str
    peak: float
    memory: float
    mfu: float


@dataclass(frozen=True)
class StagePlan:
    """One stage. gflops_a_clip: forward and backward. state_gb: parameters, gradients, moments and average; activation_gb_a_clip: what the
    backward pass needs of one clip in bf16. clips_at_once: how many fit beside the state on one device, 0 where the state alone does
    not. clips_per_second: of one device.
    """

    stage: str
    parameters: int
    crop_seconds: float
    clips: int
    clips_a_step: int
    gflops_a_clip: float
    total_exaflops: float
    state_gb: float
    activation_gb_a_clip: float
    clips_at_once: int
    clips_per_second: float
    gpu_hours: float


def plan_stage(stage: Stage, recipe: Recipe, device: Device) -> StagePlan:
    """Counted on the meta device: nothing is allocated or computed."""
    cost = cost_of(stage, stage.crop_samples)
    rate = device.peak * device.mfu / cost.flops
    state, activations = cost.parameters * STATE_BYTES, activation_bytes(stage, stage.crop_samples) / 2
    return StagePlan(
        stage=stage.name,
        parameters=cost.parameters,
        crop_seconds=stage.seconds,
        clips=recipe.clips,
        clips_a_step=recipe.clips_a_step,
        gflops_a_clip=round(cost.flops / 1e9, 3),
        total_exaflops=round(cost.flops * recipe.clips / 1e18, 6),
        state_gb=round(state / 1e9, 3),
        activation_gb_a_clip=round(activations / 1e9, 4),
        clips_at_once=max(0, int((0.9 * device.memory - state) // activations)),
        clips_per_second=round(rate, 2),
        gpu_hours=round(recipe.clips / rate / 3600, 2),
    )


def activation_bytes(stage: Stage, samples: int) -> int:
    """Bytes that autograd keeps of one clip for the backward pass in fp32, parameters aside; half of it in bf16, nearly."""
    kept: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        kept.setdefault(_storage(tensor), tensor)
        return tensor

    with torch.device("meta"):
        network = UNet(stage.unet)
        inputs = meta_inputs(stage, samples, 1)
        x = torch.empty(1, stage.channels, stage.positions(samples))
        own = {_storage(parameter) for parameter in network.parameters()}
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            network(x, torch.empty(1), inputs)
    return sum(tensor.untyped_storage().nbytes() for storage, tensor in kept.items() if storage not in own)


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
