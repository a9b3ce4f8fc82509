"""What settings say of a stage becomes the sampling it runs with."""

from dataclasses import replace

from models.cascade.presets import stage_of
from models.cascade.stage import Sampling, Stage
from models.diffusion.steps import Spacing, uniform
from models.generation.settings import StageSampling


def sampled(stage: Stage, said: StageSampling) -> Stage:
    """The stage with the sampling it was published with, changed by what is said."""
    sampling = _steps(stage, said)
    named = ("sampler", "gamma", "guidance", "percentile", "interval", "rescale", "parallel", "radius", "projections")
    given = {name: value for name in named if (value := getattr(said, name)) is not None}
    return replace(stage, sampling=replace(sampling, **given))


def _steps(stage: Stage, said: StageSampling) -> Sampling:
    sampling = stage.sampling
    if said.schedule == "paper":
        paper = stage_of("paper", stage.name).sampling
        return replace(sampling, runs=paper.runs, sampler=paper.sampler, gamma=paper.gamma)
    if isinstance(said.schedule, tuple):
        return replace(sampling, runs=said.schedule)
    if said.steps is None:
        return sampling
    if said.schedule == "lambda" or said.schedule == "karras":
        return replace(sampling, runs=Spacing(said.schedule, said.steps))
    return replace(sampling, runs=uniform(said.steps))
