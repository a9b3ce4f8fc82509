"""What an ablation can be told. Frozen, and an unknown key is an error."""

from pydantic import Field, model_validator

from noise2music.core.settings import Settings
from noise2music.evaluation.settings import DRAWS
from noise2music.models.cascade.stage import SamplerName, StageName
from noise2music.models.generation.plan import MAX_SECONDS
from noise2music.models.generation.settings import ROUTES, GenerationSettings, Route
from noise2music.models.job.prompts import LARGEST_SEED
from noise2music.models.job.settings import JobRun

Runs = tuple[tuple[float, int], ...]
AXES = ("guidance", "schedule", "steps", "gamma", "sampler")


class StageGrid(Settings):
    """Values to try for one stage; each is a field of `StageSampling`. A schedule is a name from `schedules`, one that generation knows
    ("paper", "uniform", ...), or a list of [part, steps].
    """

    guidance: tuple[float, ...] = ()
    schedule: tuple[str | Runs, ...] = ()
    steps: tuple[int, ...] = ()
    gamma: tuple[float, ...] = ()
    sampler: tuple[SamplerName, ...] = ()

    @model_validator(mode="after")
    def _varies(self) -> "StageGrid":
        if not any(getattr(self, axis) for axis in AXES):
            raise ValueError(f"a grid has values for one of {', '.join(AXES)}")
        return self


class Sweep(Settings):
    """One curve, or one grid: every value of every axis with every other. All else is as in `generation`.

    name: on the page. route: of the cascade. stages: by the name of a stage, what is tried for it.
    """

    name: str = Field(min_length=1)
    route: Route = "waveform"
    stages: dict[StageName, StageGrid] = Field(min_length=1)

    @model_validator(mode="after")
    def _on_the_route(self) -> "Sweep":
        if other := [stage for stage in self.stages if stage not in ROUTES[self.route]]:
            raise ValueError(f"the {self.route} route has no {', no '.join(other)}: it is {' -> '.join(ROUTES[self.route])}")
        return self


class AblateSettings(Settings):
    """A grid over how a cascade is sampled; each may be local or in an object store.

    Args:
        prompts, checkpoints, revision, text_model, seed, seconds, max_dead: as for `n2m generate`.
        reference: what clips are compared with, as for `n2m evaluate`.
        out: clips, costs, the evaluation, figures and page.
        super_resolution: whether the last stage runs. The paper's figures are of 16 kHz audio, without it.
        generation: the baseline, around which each sweep varies; its route, start and stop_after are the sweeps' own.
        schedules: names of step schedules, each a list of [part, steps] from t = 0 upward.
        sweeps: what is varied.
        oracles: routes of which every stage that has a source is also run alone on the reference's own audio.
        networks, protocol, permutations, reference_clips: as for `n2m evaluate`.
        cache: folder or URI of embeddings, the user's by default, "" for none.
        run: where clips are made.
    """

    prompts: str = Field(min_length=1)
    checkpoints: str = Field(min_length=1)
    revision: str | None = None
    text_model: str | None = None
    reference: str = Field(min_length=1)
    out: str = Field(min_length=1)
    seed: int = Field(0, ge=0, le=LARGEST_SEED)
    seconds: float = Field(30.0, gt=0, le=MAX_SECONDS)
    max_dead: float = Field(0.05, ge=0, le=1)
    super_resolution: bool = False
    generation: GenerationSettings = Field(default_factory=GenerationSettings)
    schedules: dict[str, Runs] = Field(default_factory=dict)
    sweeps: tuple[Sweep, ...] = ()
    oracles: tuple[Route, ...] = ()
    networks: tuple[str, ...] = Field(("yamnet", "musicnn", "resemblyzer", "starter"), min_length=1)
    protocol: str = "paper"
    permutations: int = Field(DRAWS, ge=0, le=100_000)
    reference_clips: int | None = Field(None, ge=1)
    cache: str | None = None
    run: JobRun = JobRun()

    @model_validator(mode="after")
    def _is_a_grid(self) -> "AblateSettings":
        if not self.sweeps and not self.oracles:
            raise ValueError("there is nothing to compare: give [[sweeps]] or oracles")
        names = [sweep.name for sweep in self.sweeps]
        if repeated := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two sweeps are called {repeated[0]!r}")
        if self.generation.start is not None or self.generation.stop_after is not None:
            raise ValueError("generation.start and generation.stop_after are set by the ablation: leave them out (see super_resolution)")
        if not self.super_resolution and any("super-resolution" in sweep.stages for sweep in self.sweeps):
            raise ValueError("a sweep varies the super-resolution, which does not run: set super_resolution = true")
        return self
