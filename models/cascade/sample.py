"""A stage's network makes its signal: one sampler call with the stage's steps, guidance and clipping."""

import math
from collections.abc import Callable
from dataclasses import replace

from torch import Tensor

from noise2music.models.cascade.consistency import agreeing
from noise2music.models.cascade.stage import SamplerName, Sampling, Stage
from noise2music.models.diffusion.denoiser import Denoiser, Network, keeping, make_denoiser
from noise2music.models.diffusion.guidance import DynamicClip, Guidance
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.sampler import ancestral, ddim, dpm_solver_2m, heun, repainted
from noise2music.models.diffusion.steps import lambdas, uniform
from noise2music.models.signal.known import Known

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
    return sampling if steps is None else replace(sampling, runs=uniform(steps))


def sample(
    stage: Stage,
    network: Network,
    inputs: Inputs,
    noise: Draw,
    unwanted: Inputs | None = None,
    known: Known | None = None,
    rounds: int = 1,
) -> Tensor:
    """(B, C, T) in network units, the shape of the noise. unwanted: text that guidance leads away from. known: what is kept as it is.

    rounds: above 1, and with something known, the sampler is `repainted` instead of the stage's own.
    """
    sampling = stage.sampling
    clip = DynamicClip(stage.scale if stage.signal.domain == "wave" else 1.0, sampling.percentile)
    denoiser = make_denoiser(network, stage.prediction, inputs, _guidance(sampling, inputs), clip, unwanted)
    if known is not None:
        denoiser = keeping(denoiser, known)
    path = lambdas(sampling.runs, stage.schedule)

    def of_step(step: int) -> Tensor:
        return noise(f"step {step}")

    if known is not None and rounds > 1:
        x0 = repainted(denoiser, path, noise("start"), of_step, rounds)
    elif sampling.sampler == "ancestral":
        x0 = ancestral(denoiser, path, noise("start"), of_step, sampling.gamma)
    else:
        x0 = _WITHOUT_NOISE[sampling.sampler](denoiser, path, noise("start"))
    return agreeing(stage, x0, inputs, known)


def _guidance(sampling: Sampling, inputs: Inputs) -> Guidance | None:
    if sampling.guidance == 1.0 or inputs.text is None:
        return None
    return Guidance(
        sampling.guidance,
        sampling.interval or (-math.inf, math.inf),
        sampling.parallel,
        math.inf if sampling.radius is None else sampling.radius,
        sampling.rescale,
    )
