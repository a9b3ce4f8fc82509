"""The cells of an ablation: every combination of a grid as settings of generation, and which of them are one and the same."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from pydantic import ValidationError

from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.evaluation.ablation.settings import AXES, AblateSettings, Runs, Sweep
from noise2music.labeling.datasets.fingerprint import canonical_json
from noise2music.models.cascade.stage import SamplerName, Stage, StageName
from noise2music.models.cascade.weights import read_weights_header
from noise2music.models.diffusion.steps import SigmaSpacing
from noise2music.models.generation.checkpoints import open_checkpoints
from noise2music.models.generation.settings import ROUTES, GenerationSettings, Route, StageSampling, apply_sampling

BASELINE, ORACLES = "baseline", "oracles"
ALONE = " alone on the reference"
Values = Mapping[StageName, Mapping[str, Any]]
"""Stage -> axis -> value."""


@dataclass(frozen=True)
class Cell:
    """A point of a sweep.

    name: what is varied, in words. values: the same as data. generation: every stage's sampling in full, so that cells that make the same
    clips have the same. store: below `out`, of the clips; equal for cells that make the same. label: of the store's system in the
    evaluation. from_reference: whether its first stage starts from the reference's audio.
    """

    sweep: str
    name: str
    values: Values
    generation: GenerationSettings
    store: str
    label: str
    from_reference: bool = False


@dataclass(frozen=True)
class _Weights:
    stages: Mapping[StageName, Stage]
    identity: Mapping[StageName, str]


def plan_cells(settings: AblateSettings) -> tuple[Cell, ...]:
    """The baseline of each route, then every sweep's cells in their order, then the oracles.

    Raises UserError: weights are missing, or values do not go together.
    """
    routes = tuple(dict.fromkeys([*(sweep.route for sweep in settings.sweeps), *settings.oracles]))
    weights = {route: _weights(settings, route) for route in routes}
    labels: dict[str, str] = {}
    cells = []
    for sweep, name, values, route, start, stop in _drafts(settings, routes):
        generation = _in_full(_settings_of(settings, sweep, values, route, start, stop), weights[route].stages)
        store = f"cells/{_digest(settings, generation, weights[route].identity)}"
        label = name.translate(str.maketrans("/:=", "---"))
        if store not in labels:
            labels[store] = label if label not in labels.values() else f"{label} ({store[-6:]})"
        cells.append(Cell(sweep, name, values, generation, store, labels[store], start is not None))
    return tuple(cells)


def distinct(cells: Sequence[Cell]) -> tuple[Cell, ...]:
    """The first cell of each store."""
    first: dict[str, Cell] = {}
    for cell in cells:
        first.setdefault(cell.store, cell)
    return tuple(first.values())


_Draft = tuple[str, str, Values, Route, StageName | None, StageName]


def _drafts(settings: AblateSettings, routes: Sequence[Route]) -> Iterator[_Draft]:
    for route in routes:
        yield BASELINE, f"{route} route", {}, route, None, _chain(settings, route)[-1]
    for sweep in settings.sweeps:
        for values in _combinations(sweep):
            yield sweep.name, _name(values), values, sweep.route, None, _chain(settings, sweep.route)[-1]
    for route in settings.oracles:
        for stage in _chain(settings, route)[1:]:
            yield ORACLES, f"{stage}{ALONE}", {}, route, stage, stage
        yield ORACLES, f"{route} route", {}, route, None, _chain(settings, route)[-1]


def _chain(settings: AblateSettings, route: Route) -> tuple[StageName, ...]:
    return ROUTES[route] if settings.super_resolution else ROUTES[route][:-1]


def _combinations(sweep: Sweep) -> Iterator[Values]:
    axes = [(stage, axis, value) for stage, grid in sweep.stages.items() for axis in AXES if (value := getattr(grid, axis))]
    for chosen in product(*(values for _, _, values in axes)):
        found: dict[StageName, dict[str, Any]] = {}
        for (stage, axis, _), value in zip(axes, chosen, strict=True):
            found.setdefault(stage, {})[axis] = value
        yield found


def _name(values: Values) -> str:
    return "; ".join(f"{stage} {', '.join(f'{axis} {say(value)}' for axis, value in axes.items())}" for stage, axes in values.items())


def say(value: Any) -> str:
    """A value of an axis in words."""
    if isinstance(value, tuple):
        return " + ".join(f"{part:g} in {steps}" for part, steps in value)
    return f"{value:g}" if isinstance(value, float) else str(value)


def _settings_of(
    settings: AblateSettings, sweep: str, values: Values, route: Route, start: StageName | None, stop: StageName
) -> GenerationSettings:
    base = settings.generation
    try:
        changes = {stage: StageSampling.model_validate(_named(axes, settings.schedules)) for stage, axes in values.items()}
        stages = dict(base.stages) | {
            stage: base.stages.get(stage, StageSampling()).changed_by(change) for stage, change in changes.items()
        }
        return GenerationSettings.model_validate(base.model_dump() | {"route": route, "start": start, "stop_after": stop, "stages": stages})
    except ValidationError as error:
        said = str(error.errors()[0]["msg"]).removeprefix("Value error, ")
        raise UserError(f"sweep {sweep!r}: {_name(values)}: {said}.") from None


def _named(axes: Mapping[str, Any], schedules: Mapping[str, Runs]) -> dict[str, Any]:
    return {axis: schedules.get(value, value) if axis == "schedule" and isinstance(value, str) else value for axis, value in axes.items()}


def _weights(settings: AblateSettings, route: Route) -> _Weights:
    found = open_checkpoints(settings.checkpoints, _chain(settings, route), settings.revision)
    return _Weights({name: read_weights_header(path, name).stage for name, path in found.files.items()}, found.identity)


def _in_full(settings: GenerationSettings, stages: Mapping[StageName, Stage]) -> GenerationSettings:
    """The same with nothing left to a stage's own, and without what changes nothing there."""
    full = {name: _sampling_in_full(apply_sampling(stages[name], settings.sampling_of(name))) for name in settings.chain}
    return GenerationSettings.model_validate(settings.model_dump() | {"sampling": StageSampling(), "stages": full})


def _sampling_in_full(stage: Stage) -> StageSampling:
    sampling = stage.sampling
    runs = sampling.step_schedule
    guided = bool(stage.tokens) and sampling.guidance != 1.0
    sampler: SamplerName = "ddim" if sampling.sampler == "euler" else sampling.sampler
    return StageSampling(
        sampler=sampler,
        schedule=runs.kind if isinstance(runs, SigmaSpacing) else runs,
        steps=runs.steps if isinstance(runs, SigmaSpacing) else None,
        gamma=sampling.gamma if sampling.sampler == "ancestral" else None,
        guidance=sampling.guidance if stage.tokens else None,
        interval=sampling.interval if guided else None,
        rescale=sampling.rescale if guided else None,
        apg_eta=sampling.apg_eta if guided else None,
        apg_norm_threshold=sampling.apg_norm_threshold if guided else None,
        percentile=sampling.percentile,
        consistency_iters=sampling.consistency_iters,
    )


def _digest(settings: AblateSettings, generation: GenerationSettings, identity: Mapping[StageName, str]) -> str:
    """Of all that decides the clips but the prompts, each of which says its own in its clip."""
    values = generation.model_dump(mode="json", exclude={"batch"})
    reference = settings.reference if generation.start is not None else None
    weights = {name: identity[name] for name in generation.chain}
    return stable_id(canonical_json([values, weights, settings.seed, settings.seconds, reference]))[:16]
