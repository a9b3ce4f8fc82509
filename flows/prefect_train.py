"""Training on a Prefect server: one flow run a stage, resumable, with the loss curve and the samples page as artifacts."""

from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact
from prefect.client.schemas.objects import State

from flows.config import given_settings
from flows.events import STAGE, STAGE_READY, announce
from flows.prefect_page import figures_table, link_page
from flows.prefect_run import logged_on_server, run_on_server, stopped
from flows.report.picture import picture_uri
from flows.train import train_stage
from flows.training_page import NAME, loss_chart
from models.cascade.stage import StageName
from models.training.journal import read_journal
from models.training.settings import TrainSettings
from models.training.trainer import Trained


@flow(name="train", flow_run_name="train {stage}", persist_result=False, retries=2, retry_delay_seconds=30)
def train_flow(settings: dict[str, Any] | str, stage: StageName) -> str | State[Any]:
    """Train one stage from its newest saved state. `settings`: the configuration file's path, or its content as JSON. Gives the path of the
    weights. The run ends as Cancelled where it was asked to stop; all is saved then.
    """
    trained = _train(given_settings(TrainSettings, settings), stage)
    return stopped([trained]) or str(trained.weights)


def train_with_prefect(settings: TrainSettings, stage: StageName, announce_it: bool = True) -> Trained:
    """The same, for the command line: shown on the server, result kept here. Raises UserError, also when no server answers."""
    return run_on_server("train", f"train {stage}", lambda: _train(settings, stage, announce_it), lambda done: stopped([done]))


def _train(settings: TrainSettings, stage: StageName, announce_it: bool = True) -> Trained:
    with logged_on_server():
        trained = train_stage(settings, stage)
        _show(trained)
        if trained.finished and announce_it:
            announce(STAGE_READY, str(trained.folder), {STAGE: stage, "n2m.weights": str(trained.weights)})
        return trained


def _show(trained: Trained) -> None:
    """The artifacts train-STAGE (loss curves and latest figures) and samples-STAGE (a link to the page)."""
    steps, validation = (read_journal(trained.folder, kind) for kind in ("step", "validation"))
    figures = [("clips seen", f"{trained.clips:,}")]
    if validation:
        figures.append(("validation loss", f"{validation[0]['loss']:.4f} at the start, {validation[-1]['loss']:.4f} now"))
    if steps:
        figures.append(("clips a second", f"{steps[-1]['clips_per_second']:.1f}"))
        figures.append(("waiting for data", f"{steps[-1]['data_wait']:.2%}"))
    markdown = f"![Loss of the {trained.stage}]({picture_uri(loss_chart(trained.folder))})\n\n{figures_table(figures)}\n"
    create_markdown_artifact(key=f"train-{trained.stage}", markdown=markdown, description=f"Training of the {trained.stage}")
    link_page(f"samples-{trained.stage}", str((trained.folder / NAME).absolute()), "Curves and samples")
