"""A stage's network makes its signal: one sampler call with the stage's steps, guidance and clipping."""

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from models.cascade.stage import Sampling, Stage
from models.diffusion.denoiser import make_denoiser
from models.diffusion.guidance import DynamicClip, Guidance
from models.diffusion.sampler import ancestral, ddim
from models.diffusion.steps import lambdas, uniform
from models.network.inputs import Inputs
from models.network.unet import UNet
from models.randomness import normals


def with_steps(sampling: Sampling, steps: int | None) -> Sampling:
    """The same sampling in `steps` equal steps, or unchanged."""
    return sampling if steps is None else replace(sampling, runs=uniform(steps))


def sample(stage: Stage, network: UNet, inputs: Inputs, positions: int, seed: int, numbers: Sequence[int], device: torch.device) -> Tensor:
    """(B, C, positions) in network units, one for each of `numbers`: noise is a pure function of (seed, number, step)."""
    shape = (stage.channels, positions)
    sampling = stage.sampling
    limit = stage.scale if stage.signal.domain == "wave" else 1.0
    guidance = Guidance(sampling.guidance) if sampling.guidance != 1.0 and inputs.text is not None else None
    denoiser = make_denoiser(network, stage.prediction, inputs, guidance, DynamicClip(limit, sampling.percentile))
    start = normals(seed, numbers, "start", shape, device)
    path = lambdas(sampling.runs, stage.schedule)
    if sampling.sampler == "ddim":
        return ddim(denoiser, path, start)
    return ancestral(denoiser, path, start, lambda step: normals(seed, numbers, f"step {step}", shape, device), sampling.gamma)
