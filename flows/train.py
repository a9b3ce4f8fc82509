"""The training flow: labelled shards in, published weights of cascade stages out."""

import os
from collections.abc import Sequence

from flows.training_page import write_training_page
from labeling.errors import UserError
from models.cascade.stage import STAGES, StageName
from models.training.settings import TrainSettings
from models.training.trainer import Trained, train


def stages_of(names: Sequence[str]) -> list[StageName]:
    """Names as a user gives them, "all" for every stage, in the order in which they are given. Raises UserError."""
    if "all" in names:
        return list(STAGES)
    known = {stage: stage for stage in STAGES}
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"there is no stage {unknown[0]!r}: it is one of {', '.join(STAGES)}, or all.")
    return [known[name] for name in names if name in known]


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
    done = []
    for stage in stages:
        done.append(_through_prefect(settings, stage, announce) if os.environ.get("PREFECT_API_URL") else train_stage(settings, stage))
        if not done[-1].finished:
            break
    return done


def _through_prefect(settings: TrainSettings, stage: StageName, announce: bool) -> Trained:
    from flows.prefect_train import train_with_prefect

    return train_with_prefect(settings, stage, announce)
