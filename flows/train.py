"""The training flow: labelled shards in, published weights of cascade stages out."""

import os
import signal
from collections.abc import Sequence

from flows.training_page import write_training_page
from labeling.errors import UserError
from models.cascade.stage import STAGES, StageName
from models.training.journal import read_journal
from models.training.prepare import cropped_stage
from models.training.reweigh import WEIGHTS
from models.training.settings import TrainSettings
from models.training.stopping import Asked, stopping
from models.training.trainer import Trained, train


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


def train_stage(settings: TrainSettings, stage: StageName) -> Trained:
    """Train one stage, or go on with it, and write its page. Raises UserError."""
    trained = train(settings, stage)
    if int(os.environ.get("RANK", 0)) == 0:
        write_training_page(trained.folder)
    return trained


def run_train(settings: TrainSettings, stages: Sequence[StageName], announce: bool = True) -> list[Trained]:
    """Stages in their order, each a run of its own on a Prefect server where PREFECT_API_URL names one. Ends early when asked to stop.

    announce: whether the server is told when a stage is ready, which starts the deployments that wait for it.
    """
    done = list[Trained]()
    with stopping() as asked:  # Also while a page is written or the next stage is prepared.
        for number, stage in enumerate(stages):
            # Several processes agree on it in the next stage's first step: one that left alone would let the others wait.
            if asked.is_set() and int(os.environ.get("WORLD_SIZE", "1")) == 1:
                return [*done, *not_begun(settings, stages[number:], asked)]
            done.append(_through_prefect(settings, stage, announce) if os.environ.get("PREFECT_API_URL") else train_stage(settings, stage))
            if not done[-1].finished:
                break
    return done


def how_far(settings: TrainSettings, stage: StageName, asked: Asked) -> Trained:
    """How far a stage is that is not trained in this process, or not yet, from what it wrote."""
    folder = settings.folder(stage)
    journal = read_journal(folder)
    clips = int(journal[-1]["clips"]) if journal else 0
    finished = clips >= settings.recipe_of(stage).clips
    return Trained(stage, folder, clips, finished, folder / WEIGHTS, None if finished else asked.signal or signal.SIGTERM)


def not_begun(settings: TrainSettings, stages: Sequence[StageName], asked: Asked) -> list[Trained]:
    """Stages whose turn did not come, up to the first that an earlier run has not finished: there the chain stands."""
    found = list[Trained]()
    for stage in stages:
        found.append(how_far(settings, stage, asked))
        if not found[-1].finished:
            break
    return found


def exit_code(trained: Sequence[Trained]) -> int:
    """0 where every stage is finished, else what a shell gives of a process that the signal ended: 130 after Ctrl-C, 143 after SIGTERM."""
    return max((128 + (stage.stopped_by or signal.SIGTERM) for stage in trained if not stage.finished), default=0)


def _through_prefect(settings: TrainSettings, stage: StageName, announce: bool) -> Trained:
    from flows.prefect_train import train_with_prefect

    return train_with_prefect(settings, stage, announce)
