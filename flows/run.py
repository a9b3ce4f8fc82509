"""One place decides where a flow runs: on the Prefect server that PREFECT_API_URL names, else in this process."""

import os
from collections.abc import Sequence

from noise2music.evaluation.settings import EvaluateSettings
from noise2music.flows.datasets import Labeled
from noise2music.flows.end_to_end import EndToEnd, Steps, end_to_end
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.flows.generate import generate
from noise2music.flows.label import label
from noise2music.flows.results import Evaluated, Generated
from noise2music.flows.train import check_recipes, not_begun, train_stage
from noise2music.flows.train_parallel import train_side_by_side, visible_gpus
from noise2music.models.cascade.stage import StageName
from noise2music.models.job.settings import GenerateSettings
from noise2music.models.training.run_lock import graceful_shutdown
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.trainer import TrainingResult
from noise2music.pipelines.settings import LabelSettings


def run_generate(settings: GenerateSettings, replay: bool = False, announce: bool = True) -> Generated:
    """Through Prefect when PREFECT_API_URL names a server, else in this process.

    announce: whether the server is told that clips are ready, which starts the deployments that wait for them.
    """
    if os.environ.get("PREFECT_API_URL"):
        from noise2music.flows.prefect_flows import generate_with_prefect

        return generate_with_prefect(settings, replay, announce)
    return generate(settings, replay)


def run_evaluate(settings: EvaluateSettings) -> Evaluated:
    """Through Prefect when PREFECT_API_URL names a server, else in this process."""
    if os.environ.get("PREFECT_API_URL"):
        from noise2music.flows.prefect_flows import evaluate_with_prefect

        return evaluate_with_prefect(settings)
    from noise2music.flows.evaluate import evaluate_clips  # What it imports takes a while, and a chain may do without.

    return evaluate_clips(settings)


def run_label(settings: LabelSettings, replay: bool = False, announce: bool = True) -> Labeled:
    """Through Prefect when PREFECT_API_URL names a server, else in this process.

    announce: whether the server is told that labels are ready, which starts the deployments that wait for them.
    """
    if os.environ.get("PREFECT_API_URL"):
        from noise2music.flows.prefect_flows import label_with_prefect

        return label_with_prefect(settings, replay, announce)
    return label(settings, replay)


def run_train(settings: TrainSettings, stages: Sequence[StageName], announce: bool = True) -> list[TrainingResult]:
    """Stages in their order, each a run of its own on a Prefect server where PREFECT_API_URL names one. Ends early when asked to stop.

    announce: whether the server is told when a stage is ready, which starts the deployments that wait for it.
    """
    done = list[TrainingResult]()
    with graceful_shutdown() as stop:  # Also while a page is written or the next stage is prepared.
        for number, stage in enumerate(stages):
            # Several processes agree on it in the next stage's first step: one that left alone would let the others wait.
            if stop.is_set() and int(os.environ.get("WORLD_SIZE", "1")) == 1:
                return [*done, *not_begun(settings, stages[number:], stop)]
            done.append(_through_prefect(settings, stage, announce) if os.environ.get("PREFECT_API_URL") else train_stage(settings, stage))
            if not done[-1].finished:
                break
    return done


def _through_prefect(settings: TrainSettings, stage: StageName, announce: bool) -> TrainingResult:
    from noise2music.flows.prefect_flows import train_with_prefect

    return train_with_prefect(settings, stage, announce)


def train_stages(settings: TrainSettings, stages: Sequence[StageName], announce: bool = True) -> list[TrainingResult]:
    """Train stages in their order: side by side where there are several GPUs, or `run.at_once` says so, else one after the other.

    Under torchrun all processes share one stage at a time. announce: see flows.train.run_train. Raises UserError.
    """
    check_recipes(settings, stages)
    gpus = visible_gpus(settings.run.device)
    places = gpus if len(gpus) > 1 else ["" for _ in range(settings.run.at_once)]
    if len(places) > 1 and len(stages) > 1 and int(os.environ.get("WORLD_SIZE", "1")) == 1:
        return train_side_by_side(settings, stages, places, announce)
    return run_train(settings, stages, announce)


STEPS = Steps(run_label, train_stages, run_generate, run_evaluate)


def run_end_to_end(settings: EndToEndSettings) -> EndToEnd:
    """Through Prefect when PREFECT_API_URL names a server, else in this process."""
    if os.environ.get("PREFECT_API_URL"):
        from noise2music.flows.prefect_flows import end_to_end_with_prefect

        return end_to_end_with_prefect(settings, STEPS)
    return end_to_end(settings, STEPS)
