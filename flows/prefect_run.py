"""What every flow on a Prefect server shares: tasks that are retried when that may help, our lines of log, and a server that answers."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from prefect import flow, get_client, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext, TaskRunContext
from prefect.events import emit_event
from prefect.exceptions import CancelledRun
from prefect.logging.handlers import APILogHandler
from prefect.runtime import flow_run
from prefect.states import Cancelled
from prefect.tasks import Task

from noise2music.core.errors import UserError, first_line
from noise2music.core.ids import stable_id
from noise2music.core.storage import is_remote, local_path, may_pass
from noise2music.flows.pages.charts import use_curves
from noise2music.flows.pages.html import picture_uri
from noise2music.flows.pages.label.stage import FIGURES
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.models.training.trainer import Trained

# Events by which one flow starts the next: labels are ready, a stage of the cascade is ready, clips are ready.


LABELS_READY = "n2m.labels-ready"
STAGE_READY = "n2m.stage-ready"
CLIPS_READY = "n2m.clips-ready"
PLACE, GIVEN, STAGE = "n2m.place", "n2m.given", "n2m.stage"


def announce(event: str, place: str, facts: Mapping[str, str]) -> None:
    """Tell the Prefect server that something at `place` is ready; deployments with a trigger on `event` start.

    The event says where: n2m.place is the whole path, n2m.given the path as the configuration has it.
    """
    name = whole_place(place)
    resource = {"prefect.resource.id": f"n2m.{stable_id(name)}", "prefect.resource.name": name, PLACE: name, GIVEN: place}
    emit_event(event=event, resource={**resource, **facts})


def whole_place(place: str) -> str:
    """A folder as its absolute path, so that an event and the trigger that waits for it mean the same; a URI as it is."""
    return place.rstrip("/") if is_remote(place) else str(Path(local_path(place)).absolute())


# Artifacts that several flows leave on a Prefect server: a link to a page, and a table of figures.


def link_page(key: str, place: str, description: str) -> None:
    """The artifact `key`: a link to the page at `place`, a path or URI, shown as that."""
    link = place if is_remote(place) else local_path(place).absolute().as_uri()
    create_link_artifact(key=key, link=link, link_text=place, description=description)


def figures_table(figures: Sequence[tuple[str, str]]) -> str:
    """(what, figure) pairs -> a Markdown table."""
    return "\n".join(["| what | figure |", "|---|---|", *(f"| {what} | {figure} |" for what, figure in figures)])


# What a labeling run leaves on a Prefect server for people to look at: the funnel, how captions are used, and where the report is.


_HEAD = ("vocabulary", "captions", "used by candidates", "used by labels", "bits before", "after", "Gini before", "after")


def create_artifacts(root: str, report: Dataset, report_path: str) -> None:
    """Make the artifacts label-funnel, label-distribution and label-report from a report's figures, inside a flow run."""
    figures = json.loads(report.store.get(f"{report.path}/{FIGURES}"))
    create_table_artifact(key="label-funnel", table=funnel_rows(figures), description=f"Funnel of {root}")
    create_markdown_artifact(key="label-distribution", markdown=distribution(figures), description=f"Captions of {root}")
    link_page("label-report", report_path, f"Report of {root}")


def funnel_rows(figures: Mapping[str, Any]) -> list[dict[str, Any]]:
    """report.json -> one row a step: what is left, in which unit, and what was lost for which reason."""
    return [
        {
            "step": step["name"],
            "count": step["count"],
            "unit": step["unit"],
            "lost": "; ".join(f"{loss['reason']}: {loss['count']}" for loss in step["losses"]),
        }
        for step in figures["funnel"]
    ]


def distribution(figures: Mapping[str, Any]) -> str:
    """report.json -> Markdown: a table over all vocabularies, and for each the cumulative use of its captions as an inline picture."""
    lines = ["| " + " | ".join(_HEAD) + " |", "|" + "---|" * len(_HEAD)]
    for item in figures["vocabularies"]:
        before, after = item["before"], item["after"]
        lines.append(
            f"| {item['name']} | {before['captions']:,} | {before['coverage']:.1%} | {after['coverage']:.1%} | {before['entropy']:.2f} "
            f"| {after['entropy']:.2f} | {before['gini']:.3f} | {after['gini']:.3f} |"
        )
    for item in figures["vocabularies"]:
        lines += ["", f"## {item['name']}", "", f"![Cumulative use of {item['name']}]({picture_uri(use_curves(item))})", ""]
        lines += ["Share of all uses that the most used captions have. Dashed: candidates. Solid: labels. Dotted: evenly used."]
    return "\n".join(lines)


log = logging.getLogger("n2m")

Result = TypeVar("Result")


def worth_retrying(task_: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether another try may succeed: not after a UserError or a mistake in the code (both stay), unless a store was away."""
    try:
        state.result(raise_on_failure=True)
    except Exception as error:
        if isinstance(error, (UserError, TypeError, ValueError, KeyError, AttributeError)) and not may_pass(error):
            return False
        log.warning("%s failed and is tried again: %s", task_.name, first_line(error))
    return True


def call_as_task(name: str, stage: Callable[[], Result]) -> Result:
    """Run one stage as a Prefect task, in the flow's own process."""
    run = task(
        name=name,
        task_run_name=name,
        retries=2,
        retry_delay_seconds=[10, 60],
        retry_condition_fn=worth_retrying,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    return run(stage)()


def run_on_server(
    name: str, run_name: str, work: Callable[[], Result], ends_as: Callable[[Result], State[Any] | None] = lambda _done: None
) -> Result:
    """Work as one flow run, for the command line: shown on the server, result kept here. Raises UserError where no server answers.

    ends_as: the state that the run ends in, None for Completed.
    """
    check_server()
    _keep_off_terminal()
    done: list[Result] = []

    @flow(name=name, flow_run_name=run_name, persist_result=False)
    def run() -> State[Any] | None:
        log.info("Prefect shows this run at %s", flow_run.ui_url)
        done.append(work())
        return ends_as(done[0])

    try:
        run()
    except CancelledRun:
        if not done:
            raise
    return done[0]


def stopped(trained: Sequence[Trained]) -> State[Any] | None:
    """Cancelled where training was asked to stop, so that nobody takes the run for finished and no retry starts it; else None
    (Completed).
    """
    for stage in trained:
        if not stage.finished:
            return Cancelled(
                message=f"{stage.stage} was asked to stop after {stage.clips:,} clips, all saved; the next run goes on from there"
            )
    return None


def check_server() -> None:
    """Raise UserError unless the server that PREFECT_API_URL names answers."""
    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
        if error is not None:
            raise UserError(
                f"PREFECT_API_URL is {client.api_url}, but no Prefect server answers there ({error}). "
                "Start it with `prefect server start`, or unset PREFECT_API_URL to run without one."
            )


def _keep_off_terminal() -> None:
    """Prefect's lines about every task and its tracebacks of what n2m says in one line: on the server, not on the terminal."""
    for name in ("prefect.flow_runs", "prefect.task_runs"):
        logging.getLogger(name).propagate = False


@contextmanager
def logged_on_server() -> Iterator[None]:
    """Send n2m's lines to the server too, once where flows lie in each other. Those of workers' threads belong to no run that Prefect
    knows, and stay away.
    """
    if any(isinstance(handler, APILogHandler) for handler in log.handlers):
        yield
        return
    handler = APILogHandler()
    handler.addFilter(lambda _record: FlowRunContext.get() is not None or TaskRunContext.get() is not None)
    if log.level == logging.NOTSET:
        log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
