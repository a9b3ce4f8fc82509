"""A stage samples its signal: one call of a sampler with the stage's steps, guidance and clipping."""

import math
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from noise2music.models.cascade.consistency import data_consistency
from noise2music.models.cascade.stage import SamplerName, Sampling, Stage
from noise2music.models.diffusion.denoiser import Denoiser, Network, inpaint, make_denoiser
from noise2music.models.diffusion.guidance import DynamicClip, Guidance
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.sampler import ancestral, ddim, dpm_solver_2m, heun, repaint
from noise2music.models.diffusion.steps import log_snrs, uniform
from noise2music.models.signal.inpainting import Inpainting

Draw = Callable[[str], Tensor]
"""Purpose -> standard normal noise (B, C, T): "start", and "step N" for a sampler that adds noise."""

_WITHOUT_NOISE: dict[SamplerName, Callable[[Denoiser, Tensor, Tensor], Tensor]] = {
    "ddim": ddim,
    "euler": ddim,
    "dpm_solver_2m": dpm_solver_2m,
    "heun": heun,
}


def with_steps(sampling: Sampling, steps: int | None) -> Sampling:
    """The same sampling in `steps` equal steps, or unchanged."""
    return sampling if steps is None else replace(sampling, step_schedule=uniform(steps))


def sample(
    stage: Stage,
    network: Network,
    inputs: Inputs,
    noise: Draw,
    negative: Inputs | None = None,
    inpainting: Inpainting | None = None,
    rounds: int = 1,
) -> Tensor:
    """(B, C, T) in network units, the shape of the noise.

    negative: the inputs whose text guidance leads away from. inpainting: the known part, which stays as it is. rounds: above 1, and with a
    known part, the sampler is `repaint` in place of the stage's own.
    """
    sampling = stage.sampling
    clip = DynamicClip(stage.scale if stage.signal.domain == "wave" else 1.0, sampling.percentile)
    denoiser = make_denoiser(network, stage.prediction, inputs, guidance=_guidance(sampling, inputs), clip=clip, negative=negative)
    if inpainting is not None:
        denoiser = inpaint(denoiser, inpainting)
    path = log_snrs(sampling.step_schedule, stage.schedule)

    def of_step(step: int) -> Tensor:
        return noise(f"step {step}")

    if inpainting is not None and rounds > 1:
        x0 = repaint(denoiser, path, noise("start"), of_step, rounds=rounds)
    elif sampling.sampler == "ancestral":
        x0 = ancestral(denoiser, path, noise("start"), of_step, gamma=sampling.gamma)
    else:
        x0 = _WITHOUT_NOISE[sampling.sampler](denoiser, path, noise("start"))
    return data_consistency(stage, x0, inputs, inpainting)


def _guidance(sampling: Sampling, inputs: Inputs) -> Guidance | None:
    if sampling.guidance == 1.0 or inputs.text is None:
        return None
    return Guidance(
        scale=sampling.guidance,
        interval=sampling.interval or (-math.inf, math.inf),
        apg_eta=sampling.apg_eta,
        apg_norm_threshold=math.inf if sampling.apg_norm_threshold is None else sampling.apg_norm_threshold,
        rescale=sampling.rescale,
    )
