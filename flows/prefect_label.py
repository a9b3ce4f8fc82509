"""The labeling flow on a Prefect server: one task a stage, retries for what may pass, artifacts for what people look at."""

import json
from collections.abc import Callable
from typing import Any, TypeVar

from prefect import flow, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.tasks import Task

from flows.label import Labeled, label
from flows.report.stage import FIGURES
from labeling.errors import UserError
from pipelines.settings import LabelSettings

Result = TypeVar("Result")


def worth_retrying(_task: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether another try may succeed: not after a UserError (wrong input stays wrong) or a mistake in the code."""
    try:
        state.result(raise_on_failure=True)
    except (UserError, TypeError, ValueError, KeyError, AttributeError):
        return False
    except Exception:
        return True
    return True


def call_as_task(name: str, stage: Callable[[], Result]) -> Result:
    """Run one stage as a Prefect task, in the flow's own process."""
    run = task(
        name=name,
        retries=2,
        retry_delay_seconds=[10, 60],
        retry_condition_fn=worth_retrying,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    return run(stage)()


@flow(name="label", persist_result=False)
def label_flow(settings: dict[str, Any], replay: bool = False) -> str:
    """Label a corpus. `settings`: the configuration file's content as JSON. Gives the path of the report."""
    return _label(LabelSettings.model_validate(settings), replay).report_path


def label_with_prefect(settings: LabelSettings, replay: bool = False) -> Labeled:
    """The same, for the command line: shown on the server, result kept here."""
    done: list[Labeled] = []

    @flow(name="label", flow_run_name=f"label {settings.root}", persist_result=False)
    def run() -> None:
        done.append(_label(settings, replay))

    run()
    return done[0]


def _label(settings: LabelSettings, replay: bool) -> Labeled:
    labeled = label(settings, replay, call_as_task)
    figures = json.loads(labeled.report.store.get(f"{labeled.report.path}/{FIGURES}"))
    create_table_artifact(key="label-funnel", table=_funnel_rows(figures), description=f"Funnel of {settings.root}")
    create_markdown_artifact(key="label-distribution", markdown=_distribution(figures), description="Captions before and after sampling")
    create_link_artifact(key="label-report", link=_link(labeled.report_path), link_text="The label report")
    return labeled


def _funnel_rows(figures: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "step": step["name"],
            "count": step["count"],
            "unit": step["unit"],
            "lost": "; ".join(f"{loss['reason']}: {loss['count']}" for loss in step["losses"]),
        }
        for step in figures["funnel"]
    ]


def _distribution(figures: dict[str, Any]) -> str:
    head = ("vocabulary", "captions", "used by candidates", "used by labels", "bits before", "after", "Gini before", "after")
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for item in figures["vocabularies"]:
        before, after = item["before"], item["after"]
        lines.append(
            f"| {item['name']} | {before['captions']:,} | {before['coverage']:.1%} | {after['coverage']:.1%} | {before['entropy']:.2f} "
            f"| {after['entropy']:.2f} | {before['gini']:.3f} | {after['gini']:.3f} |"
        )
    return "\n".join(lines)


def _link(path: str) -> str:
    return path if "://" in path else f"file://{path}"
