"""The whole chain: music without text in; labels, a trained cascade, clips made from text, figures, and one page out."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from noise2music.core.errors import UserError
from noise2music.evaluation.embedders.base import check_network
from noise2music.evaluation.protocol import read_protocol
from noise2music.flows.datasets import Labeled
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.flows.pages.end_to_end import write_end_to_end_page
from noise2music.flows.results import Evaluated, Generated
from noise2music.flows.train import check_recipes, exit_code
from noise2music.models.job.prompts import read_prompts
from noise2music.models.training.trainer import TrainingResult


@dataclass(frozen=True)
class EndToEnd:
    """How far the chain came: generated is None where training was stopped, evaluated also without settings. page: where the page is."""

    labeled: Labeled
    trained: tuple[TrainingResult, ...]
    generated: Generated | None
    page: str
    evaluated: Evaluated | None = None

    @property
    def exit_code(self) -> int:
        """0, or as flows.train.exit_code where training was stopped."""
        return exit_code(self.trained)


@dataclass(frozen=True)
class Steps:
    """How each link is done: in this process or as runs on a server (flows.run). `announce`: whether a server is told of what is ready."""

    label: Callable[..., Labeled]
    train: Callable[..., list[TrainingResult]]
    generate: Callable[..., Generated]
    evaluate: Callable[..., Evaluated]


def end_to_end(settings: EndToEndSettings, steps: Steps) -> EndToEnd:
    """Do what is missing of the chain, link by link, and write its page. Asked to stop in training, it ends after saving.

    No deployment is told that something is ready: the chain itself goes on. Raises UserError.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("the whole chain starts its own processes: run it without torchrun, or train single stages with torchrun.")
    # What the later links would stop at is said before the first begins.
    check_recipes(settings.train, settings.trained_stages)
    read_prompts(settings.generate.prompts, settings.generate.seconds, settings.generate.seed)
    if settings.evaluate is not None:
        read_protocol(settings.evaluate.protocol)
        for network in settings.evaluate.networks:
            check_network(network)
    labeled = steps.label(settings.label, announce=False)
    page = write_end_to_end_page(settings, labeled, None)
    trained = steps.train(settings.train, settings.trained_stages, announce=False)
    page = write_end_to_end_page(settings, labeled, None)
    if len(trained) < len(settings.trained_stages) or not all(stage.finished for stage in trained):
        return EndToEnd(labeled, tuple(trained), None, page)
    generated = steps.generate(settings.generate, announce=False)
    page = write_end_to_end_page(settings, labeled, generated)
    if settings.evaluate is None:
        return EndToEnd(labeled, tuple(trained), generated, page)
    evaluated = steps.evaluate(settings.evaluate)
    return EndToEnd(labeled, tuple(trained), generated, write_end_to_end_page(settings, labeled, generated, evaluated), evaluated)
