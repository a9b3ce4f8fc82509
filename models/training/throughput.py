"""How much arithmetic a stage's training is, and what share of the device's peak it reaches (MFU)."""

import time
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch.utils.flop_counter import FlopCounterMode

from models.cascade.pairs import conditioned
from models.cascade.stage import Stage
from models.network.inputs import Inputs
from models.network.unet import UNet

PEAKS = {"H100": 989e12, "H200": 989e12, "H800": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "4090": 165e12}
"""Dense bf16 operations a second as the makers state them."""


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
        aligned = stage.source.enters == "aligned"
        shape = (
            (stage.unet.aligned_channels, -(-stage.positions(samples) // stage.unet.stride)) if aligned else (1, stage.positions(samples))
        )
        inputs = conditioned(stage.source, torch.zeros(clips, *shape), torch.zeros(clips))
    if stage.tokens:
        text = torch.zeros(clips, stage.tokens, stage.unet.text_width)
        return Inputs(inputs.stacked, inputs.aligned, text, torch.ones(clips, stage.tokens, dtype=torch.bool), inputs.level)
    return inputs


@lru_cache(maxsize=4)
def peak_flops(device: torch.device, precision: torch.dtype) -> float:
    """Operations a second of the device: the maker's figure for a known GPU in bf16, otherwise what a large matrix product reaches."""
    if device.type == "cuda" and precision == torch.bfloat16:
        name = torch.cuda.get_device_name(device)
        for known, peak in PEAKS.items():
            if known in name:
                return peak
    return _measured_peak(device, precision)


def _measured_peak(device: torch.device, precision: torch.dtype) -> float:
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
