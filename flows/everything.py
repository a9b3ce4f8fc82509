"""The whole chain: music without text in; labels, a trained cascade, clips made from text, and one page about all of it out."""

import os
from dataclasses import dataclass

from flows.everything_page import write_everything_page
from flows.everything_settings import EverythingSettings
from flows.generate import Generated, run_generate
from flows.label import Labeled, run_label
from flows.train import check_recipes, exit_code
from flows.train_parallel import train_stages
from labeling.errors import UserError
from models.job.prompts import read_prompts
from models.training.trainer import Trained


@dataclass(frozen=True)
class Everything:
    """How far the chain came: generated is None where training was stopped. page: where the page is."""

    labeled: Labeled
    trained: tuple[Trained, ...]
    generated: Generated | None
    page: str

    @property
    def exit_code(self) -> int:
        """0, or as flows.train.exit_code where training was stopped."""
        return exit_code(self.trained)


def everything(settings: EverythingSettings) -> Everything:
    """Do what is missing of the chain, link by link, and write its page. Asked to stop in training, it ends after saving.

    No deployment is told that something is ready: the chain itself goes on. Raises UserError.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) > 1:
        raise UserError("the whole chain starts its own processes: run it without torchrun, or train single stages with torchrun.")
    # What the later links would stop at is said before the first begins.
    check_recipes(settings.train, settings.trained_stages)
    read_prompts(settings.generate.prompts, settings.generate.seconds, settings.generate.seed)
    labeled = run_label(settings.label, announce=False)
    page = write_everything_page(settings, labeled, None)
    trained = train_stages(settings.train, settings.trained_stages, announce=False)
    page = write_everything_page(settings, labeled, None)
    if len(trained) < len(settings.trained_stages) or not all(stage.finished for stage in trained):
        return Everything(labeled, tuple(trained), None, page)
    generated = run_generate(settings.generate, announce=False)
    return Everything(labeled, tuple(trained), generated, write_everything_page(settings, labeled, generated))


def run_everything(settings: EverythingSettings) -> Everything:
    """Through Prefect when PREFECT_API_URL names a server, else in this process."""
    if os.environ.get("PREFECT_API_URL"):
        from flows.prefect_everything import everything_with_prefect

        return everything_with_prefect(settings)
    return everything(settings)
