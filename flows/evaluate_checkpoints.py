"""Which weights of a training are best: clips of one prompt file by each that it kept, evaluated as systems, and figures in TensorBoard."""

import logging
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from noise2music.core.errors import UserError
from noise2music.core.settings import Settings
from noise2music.evaluation.results import Row
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.flows.results import Evaluated, Generated
from noise2music.models.cascade.stage import StageName
from noise2music.models.cascade.weights import read_weights_header
from noise2music.models.generation.checkpoints import weights_files
from noise2music.models.job.settings import GenerateSettings
from noise2music.models.training.ema import WEIGHTS
from noise2music.models.training.kept_weights import kept_weights
from noise2music.models.training.log import write_scalars

log = logging.getLogger("n2m")
BOARD = "evaluation"


class EvaluateCheckpointsSettings(Settings):
    """The weights that one stage's training kept, compared by the clips that they make.

    Left out, `generate.checkpoints` is the folder above, with the other stages' weights, and `generate.out`, `evaluate.clips` and
    `evaluate.out` lie below `out`. every: see models.training.kept_weights.kept_weights.
    """

    folder: str = Field(min_length=1)
    out: str = Field(min_length=1)
    every: int | None = Field(None, ge=1)
    generate: GenerateSettings
    evaluate: EvaluateSettings

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping) or not all(isinstance(raw.get(name), str) for name in ("folder", "out")):
            return raw
        clips = f"{raw['out'].rstrip('/')}/clips"
        own = {
            "generate": {"checkpoints": str(Path(raw["folder"]).parent), "out": clips},
            "evaluate": {"clips": [clips], "out": raw["out"]},
        }
        tables = {name: raw.get(name, {}) for name in own}
        return {**raw, **{name: {**own[name], **table} if isinstance(table, Mapping) else table for name, table in tables.items()}}


@dataclass(frozen=True)
class Choice:
    """By one network: the moment of the least corrected distance, and those whose intervals reach below its own upper end."""

    network: str
    best: int
    distance: float
    like_it: tuple[int, ...]


@dataclass(frozen=True)
class EvaluatedCheckpoints:
    """weights: clips seen -> file. choices: one a network with distances."""

    evaluated: Evaluated
    weights: Mapping[int, Path]
    choices: tuple[Choice, ...]


def evaluate_checkpoints(
    settings: EvaluateCheckpointsSettings, generate: Callable[..., Generated], evaluate: Callable[[EvaluateSettings], Evaluated]
) -> EvaluatedCheckpoints:
    """Make what is missing of the clips, evaluate them, and write the figures into FOLDER/tensorboard/evaluation.

    generate, evaluate: flows.run.run_generate and run_evaluate. Raises UserError, also where generation does not use the stage.
    """
    folder = Path(settings.folder)
    weights = kept_weights(folder, settings.every)
    stage = read_weights_header(next(iter(weights.values()))).stage.name
    chain = settings.generate.generation.chain
    if stage not in chain:
        raise UserError(f"{folder} is of the {stage}, and generation goes through {', '.join(chain)}. Set generate.generation.route.")
    width = len(str(max(weights)))
    labels = {f"{clips:0{width}d}": clips for clips in weights}
    others = [name for name in chain if name != stage]
    files = weights_files(settings.generate.checkpoints, others, settings.generate.revision) if others else {}
    for label, clips in labels.items():
        with tempfile.TemporaryDirectory(prefix="n2m-") as cascade:
            _link(Path(cascade), {**files, stage: weights[clips]})
            place = f"{settings.generate.out}/{label}"
            log.info("%s after %s clips:", stage, f"{clips:,}")
            generate(settings.generate.model_copy(update={"checkpoints": cascade, "revision": None, "out": place}), announce=False)
    systems = tuple(f"{label}={settings.generate.out}/{label}" for label in labels)
    evaluated = evaluate(settings.evaluate.model_copy(update={"clips": systems}))
    rows = [(labels[row.system], row) for row in evaluated.results.rows if row.system in labels]
    write_scalars(folder, BOARD, [(_name(row), row.best, clips) for clips, row in rows])
    return EvaluatedCheckpoints(evaluated, weights, choices(rows))


def choices(rows: list[tuple[int, Row]]) -> tuple[Choice, ...]:
    """(clips, figure) -> the best moment by each network. Of equal ones it is the earliest."""
    found = []
    for network in sorted({row.network for _, row in rows if row.metric == "fad"}):
        figures = {clips: row for clips, row in rows if (row.metric, row.network) == ("fad", network)}
        distances = {clips: row.best for clips, row in figures.items()}
        best = min(distances, key=lambda clips: (distances[clips], clips))
        top = figures[best].high
        like = [clips for clips, row in figures.items() if clips != best and top is not None and row.low is not None and row.low <= top]
        found.append(Choice(network, best, distances[best], tuple(sorted(like))))
    return tuple(found)


def _name(row: Row) -> str:
    return f"{row.metric}/{row.network}" if row.network else row.metric


def _link(cascade: Path, files: Mapping[StageName, Path]) -> None:
    """A folder of a cascade whose weights lie elsewhere."""
    for stage, path in files.items():
        (cascade / stage).mkdir()
        (cascade / stage / WEIGHTS).symlink_to(path.absolute())
