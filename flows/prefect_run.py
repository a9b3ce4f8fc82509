"""What every flow on a Prefect server shares: tasks that are retried when that may help, our lines of log, and a server that answers."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

from prefect import flow, get_client, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.context import FlowRunContext, TaskRunContext
from prefect.exceptions import CancelledRun
from prefect.logging.handlers import APILogHandler
from prefect.runtime import flow_run
from prefect.states import Cancelled
from prefect.tasks import Task

from labeling.errors import UserError
from labeling.storage import may_pass
from models.training.trainer import Trained

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
