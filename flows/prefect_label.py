"""The labeling flow on a Prefect server: one task a stage, retries for what may pass, artifacts for what people look at."""

from typing import Any

from prefect import flow

from flows.config import given_settings
from flows.events import LABELS_READY, announce
from flows.label import Labeled, label
from flows.prefect_artifacts import create_artifacts
from flows.prefect_run import call_as_task, logged_on_server, run_on_server
from pipelines.settings import LabelSettings


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
