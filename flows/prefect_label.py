"""The labeling flow on a Prefect server: one task a stage, retries for what may pass, artifacts for what people look at."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from prefect import flow, get_client, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.handlers import APILogHandler
from prefect.runtime import flow_run
from prefect.tasks import Task

from flows.config import make_settings
from flows.label import Labeled, label
from flows.prefect_artifacts import create_artifacts
from labeling.errors import UserError
from labeling.storage import may_pass
from pipelines.settings import LabelSettings

log = logging.getLogger("n2m")

Result = TypeVar("Result")


def worth_retrying(task_: Task[..., Any], _run: TaskRun, state: State[Any]) -> bool:
    """Whether another try may succeed: not after a UserError or a mistake in the code (both stay), unless a store was away."""
    try:
        state.result(raise_on_failure=True)
    except Exception as error:
        if isinstance(error, (UserError, TypeError, ValueError, KeyError, AttributeError)) and not may_pass(error):
            return False
        log.warning("%s failed and is tried again: %s", task_.name, (str(error).strip().splitlines() or [type(error).__name__])[0])
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


@flow(name="label", persist_result=False)
def label_flow(settings: dict[str, Any], replay: bool = False) -> str:
    """Label a corpus. `settings`: the configuration file's content as JSON. Gives the path of the report."""
    return _label(make_settings(settings, (), "settings"), replay).report_path


def label_with_prefect(settings: LabelSettings, replay: bool = False) -> Labeled:
    """The same, for the command line: shown on the server, result kept here. Raises UserError, also when no server answers."""
    _check_server()
    _keep_off_terminal()
    done: list[Labeled] = []

    @flow(name="label", flow_run_name=f"label {settings.root}", persist_result=False)
    def run() -> None:
        log.info("Prefect shows this run at %s", flow_run.ui_url)
        done.append(_label(settings, replay))

    run()
    return done[0]


def _label(settings: LabelSettings, replay: bool) -> Labeled:
    with _logged_on_server():
        labeled = label(settings, replay, call_as_task)
        create_artifacts(settings.root, labeled.report, labeled.report_path)
        return labeled


def _check_server() -> None:
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
def _logged_on_server() -> Iterator[None]:
    """Send n2m's lines to the server too. Those of workers' threads belong to no run that Prefect knows, and stay away."""
    handler = APILogHandler()
    handler.addFilter(lambda _record: FlowRunContext.get() is not None or TaskRunContext.get() is not None)
    if log.level == logging.NOTSET:
        log.setLevel(logging.INFO)
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
