"""The flows on a Prefect server: one task a stage, retries for what may pass, artifacts for what people look at."""

from typing import Any

from prefect import flow
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.client.schemas.objects import State

from noise2music.evaluation.results import Results
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.flows.config import given_settings
from noise2music.flows.datasets import Labeled
from noise2music.flows.end_to_end import EndToEnd, Steps, end_to_end
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.flows.evaluate import evaluate_clips
from noise2music.flows.generate import dead_reasons, generate
from noise2music.flows.label import label
from noise2music.flows.pages.html import picture_uri
from noise2music.flows.pages.training import NAME, loss_chart
from noise2music.flows.prefect_run import (
    CLIPS_READY,
    LABELS_READY,
    STAGE,
    STAGE_READY,
    announce,
    call_as_task,
    create_artifacts,
    figures_table,
    link_page,
    logged_on_server,
    run_on_server,
    stopped,
)
from noise2music.flows.results import Evaluated, Generated
from noise2music.flows.tables import format_counts
from noise2music.flows.train import train_stage
from noise2music.models.cascade.stage import StageName
from noise2music.models.generation.guards import count_warnings
from noise2music.models.job.settings import GenerateSettings
from noise2music.models.training.log import read_journal
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.trainer import TrainingResult
from noise2music.pipelines.settings import LabelSettings

# The whole chain on a Prefect server: one flow run with a run for each link in it, and the page as an artifact.


def end_to_end_with_prefect(settings: EndToEndSettings, steps: Steps) -> EndToEnd:
    """The same, for the command line: shown on the server, result kept here. Raises UserError, also when no server answers."""
    name = f"everything {settings.root}"
    return run_on_server("everything", name, lambda: end_to_end_on_server(settings, steps), lambda done: stopped(done.trained))


def end_to_end_on_server(settings: EndToEndSettings, steps: Steps) -> EndToEnd:
    """The chain inside a flow run, with its page as an artifact."""
    with logged_on_server():
        done = end_to_end(settings, steps)
        link_page("everything-page", done.page, f"Labels, curves and clips of {settings.root}")
        return done


# Generation on a Prefect server: one flow run a job, resumable, with its figures and the listening page as artifacts.


@flow(name="generate", persist_result=False)
def generate_flow(settings: dict[str, Any] | str, replay: bool = False) -> str:
    """Make what is missing of a prompt file's clips. `settings`: the configuration file's path, or its content as JSON. Gives the path of
    the page.
    """
    return _generate(given_settings(GenerateSettings, settings), replay).page


def generate_with_prefect(settings: GenerateSettings, replay: bool = False, announce_it: bool = True) -> Generated:
    """The same, for the command line: shown on the server, result kept here. Raises UserError, also when no server answers."""
    return run_on_server("generate", f"generate {settings.out}", lambda: _generate(settings, replay, announce_it))


def _generate(settings: GenerateSettings, replay: bool, announce_it: bool = True) -> Generated:
    with logged_on_server():
        done = generate(settings, replay, call_as_task)
        _show(done)
        if announce_it:
            announce(CLIPS_READY, done.store.uri, {"n2m.manifest": done.manifest, "n2m.page": done.page})
        return done


def _show(done: Generated) -> None:
    """The artifacts generate-figures and generate-page."""
    scores = [clip.score for clip in done.clips if clip.score is not None]
    warned = [clip for clip in done.clips if clip.warnings]
    figures = [
        ("clips", f"{len(done.clips):,}"),
        ("new", f"{done.made:,}"),
        ("dead", f"{len(done.dead):,} ({dead_reasons(done.dead)})" if done.dead else "0"),
        ("seconds of audio", f"{sum(clip.duration for clip in done.clips):,.0f}"),
        ("mean score", f"{sum(scores) / len(scores):.3f}" if scores else "–"),
        ("with a warning", f"{len(warned):,} ({format_counts(count_warnings(warned))})" if warned else "0"),
    ]
    create_markdown_artifact(key="generate-figures", markdown=figures_table(figures) + "\n", description=f"Clips in {done.store.uri}")
    link_page("generate-page", done.page, "Listen to the clips")


# Evaluation on a Prefect server: one flow run, with its figures as a table and the page as a link.


_SHOWN = ("system", "network", "metric", "value", "corrected", "low", "high", "null_mean", "null_high", "p", "clips", "protocol")


@flow(name="evaluate", persist_result=False)
def evaluate_flow(settings: dict[str, Any] | str) -> str:
    """Compare systems' clips with a reference. `settings`: the configuration file's path, or its content as JSON. Gives the path of the
    page.
    """
    return _evaluate(given_settings(EvaluateSettings, settings)).page


def evaluate_with_prefect(settings: EvaluateSettings) -> Evaluated:
    """The same, for the command line: shown on the server, result kept here. Raises UserError, also when no server answers."""
    return run_on_server("evaluate", f"evaluate {settings.out}", lambda: _evaluate(settings))


def _evaluate(settings: EvaluateSettings) -> Evaluated:
    with logged_on_server():
        done = evaluate_clips(settings, call=call_as_task)
        create_table_artifact(key="evaluate-figures", table=figure_rows(done.results), description=f"Figures in {done.store.uri}")
        link_page("evaluate-page", done.page, "Figures with their intervals, and clips to listen to")
        return done


def figure_rows(results: Results) -> list[dict[str, Any]]:
    """One row a figure, as in results.json, without what only says how it came about."""
    return [{name: getattr(row, name) for name in _SHOWN} for row in results.rows]


# Training on a Prefect server: one flow run a stage, resumable, with the loss curve and the samples page as artifacts.


@flow(name="train", flow_run_name="train {stage}", persist_result=False, retries=2, retry_delay_seconds=30)
def train_flow(settings: dict[str, Any] | str, stage: StageName) -> str | State[Any]:
    """Train one stage from its newest saved state. `settings`: the configuration file's path, or its content as JSON. Gives the path of the
    weights. The run ends as Cancelled where it was asked to stop; all is saved then.
    """
    trained = _train(given_settings(TrainSettings, settings), stage)
    return stopped([trained]) or str(trained.weights)


def train_with_prefect(settings: TrainSettings, stage: StageName, announce_it: bool = True) -> TrainingResult:
    """The same, for the command line: shown on the server, result kept here. Raises UserError, also when no server answers."""
    return run_on_server("train", f"train {stage}", lambda: _train(settings, stage, announce_it), lambda done: stopped([done]))


def _train(settings: TrainSettings, stage: StageName, announce_it: bool = True) -> TrainingResult:
    with logged_on_server():
        trained = train_stage(settings, stage)
        _show_stage(trained)
        if trained.finished and announce_it:
            announce(STAGE_READY, str(trained.folder), {STAGE: stage, "n2m.weights": str(trained.weights)})
        return trained


def _show_stage(trained: TrainingResult) -> None:
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


@flow(name="label", persist_result=False)
def label_flow(settings: dict[str, Any] | str, replay: bool = False) -> str:
    """Label a corpus. `settings`: the configuration file's path, or its content as JSON. Gives the path of the report."""
    return _label(given_settings(LabelSettings, settings), replay).report_path


def label_with_prefect(settings: LabelSettings, replay: bool = False, announce_it: bool = True) -> Labeled:
    """The same, for the command line: shown on the server, result kept here. Raises UserError, also when no server answers."""
    return run_on_server("label", f"label {settings.root}", lambda: _label(settings, replay, announce_it))


def _label(settings: LabelSettings, replay: bool, announce_it: bool = True) -> Labeled:
    with logged_on_server():
        labeled = label(settings, replay, call_as_task)
        create_artifacts(settings.root, labeled.report, labeled.report_path)
        if labeled.datasets.shard is not None and announce_it:
            announce(LABELS_READY, settings.root, {"n2m.shards": labeled.datasets.shard.manifest.digest})
        return labeled
