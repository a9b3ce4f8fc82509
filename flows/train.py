"""The training flow: labelled shards in, published weights of cascade stages out."""

import os
import signal
from collections.abc import Sequence

from noise2music.core.errors import UserError
from noise2music.flows.pages.training import write_training_page
from noise2music.models.cascade.stage import STAGES, StageName
from noise2music.models.training.ema import WEIGHTS
from noise2music.models.training.log import read_journal
from noise2music.models.training.prepare import cropped_stage
from noise2music.models.training.run_lock import StopRequest
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.trainer import TrainingResult, train


def stages_of(names: Sequence[str]) -> list[StageName]:
    """Names as a user gives them, "all" for every stage, in the order in which they are given. Raises UserError."""
    if "all" in names:
        return list(STAGES)
    known = {stage: stage for stage in STAGES}
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"there is no stage {unknown[0]!r}: it is one of {', '.join(STAGES)}, or all.")
    return [known[name] for name in names if name in known]


def check_recipes(settings: TrainSettings, stages: Sequence[StageName]) -> None:
    """Raise UserError where one of the stages cannot be trained as told: before the first is, and not hours later."""
    for stage in stages:
        cropped_stage(settings, stage, settings.recipe_of(stage))


def train_stage(settings: TrainSettings, stage: StageName) -> TrainingResult:
    """Train one stage, or go on with it, and write its page. Raises UserError."""
    trained = train(settings, stage)
    if int(os.environ.get("RANK", 0)) == 0:
        write_training_page(trained.folder)
    return trained


def how_far(settings: TrainSettings, stage: StageName, stop: StopRequest) -> TrainingResult:
    """How far a stage is that is not trained in this process, or not yet, from what it wrote."""
    folder = settings.folder(stage)
    journal = read_journal(folder)
    clips = int(journal[-1]["clips"]) if journal else 0
    finished = clips >= settings.recipe_of(stage).clips
    return TrainingResult(stage, folder, clips, finished, folder / WEIGHTS, None if finished else stop.signal or signal.SIGTERM)


def not_begun(settings: TrainSettings, stages: Sequence[StageName], stop: StopRequest) -> list[TrainingResult]:
    """Stages whose turn did not come, up to the first that an earlier run has not finished: there the chain stands."""
    found = list[TrainingResult]()
    for stage in stages:
        found.append(how_far(settings, stage, stop))
        if not found[-1].finished:
            break
    return found


def exit_code(trained: Sequence[TrainingResult]) -> int:
    """0 where every stage is finished, else what a shell gives of a process that the signal ended: 130 after Ctrl-C, 143 after SIGTERM."""
    return max((128 + (stage.stopped_by or signal.SIGTERM) for stage in trained if not stage.finished), default=0)
