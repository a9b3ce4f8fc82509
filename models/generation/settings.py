"""Settings of generation: everything that changes the audio, and nothing else. Frozen, and an unknown key is an error."""

from collections.abc import Mapping
from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from noise2music.core.settings import Settings
from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.stage import SamplerName, Sampling, Stage, StageName
from noise2music.models.diffusion.steps import SigmaSpacing, uniform

Route = Literal["waveform", "spectrogram"]
ROUTES: dict[Route, tuple[StageName, ...]] = {
    "waveform": ("waveform-generator", "waveform-cascader", "super-resolution"),
    "spectrogram": ("spectrogram-generator", "vocoder", "super-resolution"),
}
MOST_STEPS = 10_000
ScheduleName = Literal["paper", "uniform", "log_snr", "karras"]


class StageSampling(Settings):
    """How a stage is sampled. None is the value that the stage was published with.

    Args:
        sampler: "ancestral", "ddim", "euler" (the same as "ddim": Euler's method on a straight flow), "dpm_solver_2m" or "heun".
        schedule: where the noise levels lie. "paper": the steps of table 7 and, unless they are given here, its sampler and gamma;
            "uniform": equal steps of time; "log_snr": equal steps of log SNR; "karras": as Karras et al. 2022; or a list of [part of the
            unit interval, steps] from t = 0 upward.
        steps: how many; without a schedule they are equal steps of time.
        gamma: of the ancestral sampler's noise, 0 to 1.
        guidance: the scale w; 1 is none.
        interval: [low, high] of log SNR; outside of it there is no guidance.
        rescale: phi of Lin et al. 2024, 0 to 1.
        apg_eta: factor on the part of the guidance that is parallel to the estimate (Sadat et al. 2024); 1 is none of that.
        apg_norm_threshold: largest root mean square of the guidance's difference, in network units.
        percentile: of dynamic clipping, in (0, 1].
        consistency_iters: iterations of Griffin and Lim's method behind the vocoder; above 0 a cascader and the super-resolution take the
            low band of their source over (models.cascade.consistency).
    """

    former_names: ClassVar[Mapping[str, str]] = {
        "parallel": "apg_eta",
        "radius": "apg_norm_threshold",
        "projections": "consistency_iters",
    }
    former_values: ClassVar[Mapping[str, Mapping[str, str]]] = {"schedule": {"lambda": "log_snr"}}
    sampler: SamplerName | None = None
    schedule: ScheduleName | tuple[tuple[float, int], ...] | None = None
    steps: int | None = Field(None, ge=1, le=MOST_STEPS)
    gamma: float | None = Field(None, ge=0, le=1)
    guidance: float | None = Field(None, ge=0, le=100)
    interval: tuple[float, float] | None = None
    rescale: float | None = Field(None, ge=0, le=1)
    apg_eta: float | None = Field(None, ge=0, le=1)
    apg_norm_threshold: float | None = Field(None, gt=0)
    percentile: float | None = Field(None, gt=0, le=1)
    consistency_iters: int | None = Field(None, ge=0, le=1000)

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
            raise ValueError(f"an interval of log SNR rises, and {list(self.interval)} does not")
        return self

    def changed_by(self, other: "StageSampling") -> "StageSampling":
        """This with every field that the other gives. Steps alone stay in this one's schedule, unless that has steps of its own."""
        new, old = other.model_dump(exclude_none=True), self.model_dump(exclude_none=True)
        if "schedule" in new:
            old.pop("steps", None)
        elif "steps" in new and self.schedule not in ("uniform", "log_snr", "karras"):
            old.pop("schedule", None)
        return StageSampling.model_validate(old | new)


class GenerationSettings(Settings):
    """The way from text to audio, and how each stage of it is sampled.

    Args:
        route: "waveform" or "spectrogram".
        start: the first stage that runs (None: the route's generator). A later one starts from the init audio of a request.
        stop_after: the last stage (None: super-resolution).
        sampling: for all stages.
        stages: by the name of a stage, for that one.
        chunk_seconds: how much of a clip a network of convolutions alone sees at once.
        overlap: share of a window that the next one has too, where a clip is longer than the training crop of a stage with self-attention
            or GroupNorm.
        fade_seconds: of the cross-fade at the edges of a kept part.
        rounds: how often a generator takes each step where a part is kept (models.diffusion.sampler.repaint); 1 is its own sampler.
        batch: clips at once on a GPU.
        precision: "fp32", "bf16" (autocast) or "auto", which is bf16 on a GPU.
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
        """The sampling of one stage, as far as it is given."""
        return self.sampling.changed_by(self.stages.get(stage, StageSampling()))


def apply_sampling(stage: Stage, changes: StageSampling) -> Stage:
    """The stage with its published sampling, changed by the settings."""
    sampling = _steps(stage, changes)
    names = ("sampler", "gamma", "guidance", "percentile", "interval", "rescale", "apg_eta", "apg_norm_threshold", "consistency_iters")
    new = {name: value for name in names if (value := getattr(changes, name)) is not None}
    return replace(stage, sampling=replace(sampling, **new))


def _steps(stage: Stage, changes: StageSampling) -> Sampling:
    sampling = stage.sampling
    if changes.schedule == "paper":
        paper = stage_of("paper", stage.name).sampling
        return replace(sampling, step_schedule=paper.step_schedule, sampler=paper.sampler, gamma=paper.gamma)
    if isinstance(changes.schedule, tuple):
        return replace(sampling, step_schedule=changes.schedule)
    if changes.steps is None:
        return sampling
    if changes.schedule == "log_snr" or changes.schedule == "karras":
        return replace(sampling, step_schedule=SigmaSpacing(changes.schedule, changes.steps))
    return replace(sampling, step_schedule=uniform(changes.steps))
