"""How clips are made: everything that changes the audio, and nothing that does not. Frozen, and an unknown key is an error."""

from dataclasses import replace
from typing import Literal

from pydantic import Field, model_validator

from noise2music.core.settings import Settings
from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.stage import SamplerName, Sampling, Stage, StageName
from noise2music.models.diffusion.steps import Spacing, uniform

Route = Literal["waveform", "spectrogram"]
ROUTES: dict[Route, tuple[StageName, ...]] = {
    "waveform": ("waveform-generator", "waveform-cascader", "super-resolution"),
    "spectrogram": ("spectrogram-generator", "vocoder", "super-resolution"),
}
MOST_STEPS = 10_000
ScheduleName = Literal["paper", "uniform", "lambda", "karras"]


class StageSampling(Settings):
    """How a stage is sampled; None is what the stage was published with.

    sampler: "euler" is "ddim", which is Euler's method on a straight flow. schedule: where the noise levels lie. "paper": the steps of
    table 7 and, unless they are named here, its sampler and gamma; "uniform": equal steps of time; "lambda": equal steps of lambda;
    "karras": as Karras et al. 2022; or a list of [part of the unit interval, steps] from t = 0 upward. steps: how many; without a
    schedule they are equal steps of time. guidance: the scale w, 1 is none; interval: of lambda, outside it there is none; rescale,
    parallel, radius: see models.diffusion.guidance. percentile: of dynamic clipping, in (0, 1]. projections: how often what a
    vocoder made is drawn towards its spectrogram; above 0 a cascader takes the low band of its source over.
    """

    sampler: SamplerName | None = None
    schedule: ScheduleName | tuple[tuple[float, int], ...] | None = None
    steps: int | None = Field(None, ge=1, le=MOST_STEPS)
    gamma: float | None = Field(None, ge=0, le=1)
    guidance: float | None = Field(None, ge=0, le=100)
    interval: tuple[float, float] | None = None
    rescale: float | None = Field(None, ge=0, le=1)
    parallel: float | None = Field(None, ge=0, le=1)
    radius: float | None = Field(None, gt=0)
    percentile: float | None = Field(None, gt=0, le=1)
    projections: int | None = Field(None, ge=0, le=1000)

    @model_validator(mode="after")
    def _says_how_many_steps(self) -> "StageSampling":
        counted = self.schedule == "paper" or isinstance(self.schedule, tuple)
        if counted and self.steps is not None:
            raise ValueError(f"the schedule {self.schedule!r} has its own steps: give a schedule or steps, or both of another schedule")
        if isinstance(self.schedule, tuple):
            parts, steps = sum(part for part, _ in self.schedule), sum(steps for _, steps in self.schedule)
            # Written so that NaN fails.
            if not (all(part > 0 and steps > 0 for part, steps in self.schedule) and abs(parts - 1) <= 1e-9 and steps <= MOST_STEPS):
                raise ValueError(
                    f"the parts of a schedule are above 0 and add up to 1, each with at least one step, at most {MOST_STEPS:,} in all"
                )
        elif self.schedule not in (None, "paper") and self.steps is None:
            raise ValueError(f'the schedule "{self.schedule}" needs steps, for example 20')
        if self.interval is not None and not self.interval[0] < self.interval[1]:
            raise ValueError(f"an interval of lambda rises, and {list(self.interval)} does not")
        return self

    def changed_by(self, other: "StageSampling") -> "StageSampling":
        """This with every field that the other gives. Steps alone stay in this one's schedule, unless that has steps of its own."""
        given, kept = other.model_dump(exclude_none=True), self.model_dump(exclude_none=True)
        if "schedule" in given:
            kept.pop("steps", None)
        elif "steps" in given and self.schedule not in ("uniform", "lambda", "karras"):
            kept.pop("schedule", None)
        return StageSampling.model_validate(kept | given)


class GenerationSettings(Settings):
    """Which way from text to audio, and how.

    start: the first stage that runs (None: the route's generator); a later one starts from the request's init audio. stop_after: the
    last (None: super-resolution). sampling: for all stages, stages.NAME for one. chunk_seconds: how much of a clip a network of
    convolutions alone sees at once; overlap: share of a window that it has in common with the next, where a clip is longer than a
    stage with self-attention or GroupNorm was trained on. fade_seconds: of the cross-fade at the edges of what is kept. rounds: how often
    a generator takes each step where something is kept, to meet it (models.diffusion.sampler.repainted); 1 is its own sampler. batch:
    clips at once on a GPU. precision: bf16 is autocast; auto: on a GPU.
    """

    route: Route = "waveform"
    start: StageName | None = None
    stop_after: StageName | None = None
    sampling: StageSampling = StageSampling()
    stages: dict[StageName, StageSampling] = Field(default_factory=dict)
    chunk_seconds: float = Field(10.0, ge=1, le=600)
    overlap: float = Field(0.25, gt=0, le=0.75)
    fade_seconds: float = Field(0.005, ge=0, le=1)
    rounds: int = Field(10, ge=1, le=100)
    batch: int = Field(4, ge=1, le=1024)
    precision: Literal["auto", "fp32", "bf16"] = "auto"

    @model_validator(mode="after")
    def _is_a_path(self) -> "GenerationSettings":
        if not self.chain:
            raise ValueError(
                f"the {self.route} route is {' -> '.join(ROUTES[self.route])}, and there is no way in it from {self.start or 'its start'} "
                f"to {self.stop_after or 'its end'}"
            )
        return self

    @property
    def chain(self) -> tuple[StageName, ...]:
        """The stages that run, in their order; empty where start and stop_after are not on the route or the wrong way round."""
        route = ROUTES[self.route]
        if (self.start or route[0]) not in route or (self.stop_after or route[-1]) not in route:
            return ()
        return route[route.index(self.start or route[0]) : route.index(self.stop_after or route[-1]) + 1]

    def sampling_of(self, stage: StageName) -> StageSampling:
        """What is said of one stage."""
        return self.sampling.changed_by(self.stages.get(stage, StageSampling()))


# What settings say of a stage becomes the sampling it runs with.


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
