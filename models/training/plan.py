"""The cost of training a stage, before it starts: parameters, arithmetic, memory, and hours on a given device."""

import time
from dataclasses import dataclass, replace
from functools import lru_cache

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from noise2music.models.cascade.stage import Stage
from noise2music.models.cascade.training_pairs import inputs_of
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.network.unet import UNet
from noise2music.models.training.recipe import Recipe

# The arithmetic of a stage's training, and the peak of the device that its MFU (model FLOPs utilisation) is a share of.


# Dense bf16 operations a second as the makers state them.
PEAKS = {"H100": 989e12, "H200": 989e12, "H800": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "4090": 165e12}


@dataclass(frozen=True)
class Cost:
    """parameters; flops: of one clip forward and backward (three times forward; recomputation not counted)."""

    parameters: int
    flops: float


@lru_cache(maxsize=16)
def cost_of(stage: Stage, samples: int) -> Cost:
    """Counted on the meta device for crops of `samples` at 24 kHz: nothing is allocated."""
    with torch.device("meta"):
        network = UNet(stage.unet)
        inputs = meta_inputs(stage, samples, 1)
        x = torch.empty(1, stage.channels, stage.positions(samples))
        with FlopCounterMode(display=False) as counter, torch.no_grad():
            network(x, torch.empty(1), inputs)
    parameters = sum(parameter.numel() for parameter in network.parameters())
    return Cost(parameters, 3.0 * counter.get_total_flops())


def meta_inputs(stage: Stage, samples: int, clips: int) -> Inputs:
    """Inputs of the right shapes on the current default device, without values."""
    inputs = Inputs()
    if stage.source is not None:
        local_cond = stage.source.enters == "local_cond"
        shape = (
            (stage.unet.local_cond_channels, -(-stage.positions(samples) // stage.unet.stride))
            if local_cond
            else (1, stage.positions(samples))
        )
        inputs = inputs_of(stage.source, torch.zeros(clips, *shape), torch.zeros(clips))
    if stage.tokens:
        text = torch.zeros(clips, stage.tokens, stage.unet.text_width)
        return replace(inputs, text=text, text_mask=torch.ones(clips, stage.tokens, dtype=torch.bool))
    return inputs


@lru_cache(maxsize=4)
def peak_flops(device: torch.device, precision: torch.dtype) -> float:
    """Operations a second of the device: the maker's figure for a known GPU in bf16, otherwise what a large matrix product reaches."""
    if device.type == "cuda" and precision == torch.bfloat16:
        name = torch.cuda.get_device_name(device)
        for known, peak in PEAKS.items():
            if known in name:
                return peak
    return measure_peak(device, precision)


def measure_peak(device: torch.device, precision: torch.dtype) -> float:
    """Operations a second of a large matrix product."""
    size = 8192 if device.type == "cuda" else 2048
    left = torch.randn(size, size, device=device, dtype=precision)
    best = float("inf")
    for _ in range(5):
        _wait(device)
        started = time.perf_counter()
        left @ left
        _wait(device)
        best = min(best, time.perf_counter() - started)
    return 2.0 * size**3 / best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


# Of each parameter, in fp32: itself, its gradient, Adam's two moments, the average.
STATE_BYTES = 20


@dataclass(frozen=True)
class Device:
    """A GPU to plan for: operations a second (dense, bf16), bytes of memory, and the share of the peak that training shall reach."""

    name: str
    peak: float
    memory: float
    mfu: float


@dataclass(frozen=True)
class StagePlan:
    """One stage. gflops_a_clip: forward and backward. state_gb: parameters, gradients, moments and average; activation_gb_a_clip: what the
    backward pass needs of one clip in bf16. micro_batch_size: how many fit beside the state on one device, 0 where the state alone does
    not. clips_per_second: of one device.
    """

    stage: str
    parameters: int
    crop_seconds: float
    clips: int
    global_batch_size: int
    gflops_a_clip: float
    total_exaflops: float
    state_gb: float
    activation_gb_a_clip: float
    micro_batch_size: int
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
        global_batch_size=recipe.global_batch_size,
        gflops_a_clip=round(cost.flops / 1e9, 3),
        total_exaflops=round(cost.flops * recipe.clips / 1e18, 6),
        state_gb=round(state / 1e9, 3),
        activation_gb_a_clip=round(activations / 1e9, 4),
        micro_batch_size=max(0, int((0.9 * device.memory - state) // activations)),
        clips_per_second=round(rate, 2),
        gpu_hours=round(recipe.clips / rate / 3600, 2),
    )


def activation_bytes(stage: Stage, samples: int) -> int:
    """Bytes that autograd keeps of one clip for the backward pass in fp32, parameters aside; half of it in bf16, nearly."""
    saved_tensors: dict[int, Tensor] = {}

    def keep(tensor: Tensor) -> Tensor:
        saved_tensors.setdefault(_storage(tensor), tensor)
        return tensor

    with torch.device("meta"):
        network = UNet(stage.unet)
        inputs = meta_inputs(stage, samples, 1)
        x = torch.empty(1, stage.channels, stage.positions(samples))
        own = {_storage(parameter) for parameter in network.parameters()}
        with torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor):
            network(x, torch.empty(1), inputs)
    return sum(tensor.untyped_storage().nbytes() for storage, tensor in saved_tensors.items() if storage not in own)


def _storage(tensor: Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)
