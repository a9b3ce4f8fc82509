"""Deployments of the whole chain on a Prefect server: labels that are ready start the training of each stage, stages that are ready start
generation, and clips that are ready start evaluation. What they wait for are events of their own places, so that several chains on one
server do not start each other.
"""

import os
from contextlib import suppress
from pathlib import Path
from typing import Any

from prefect import get_client
from prefect.client.schemas.actions import WorkPoolCreate
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentCompoundTrigger, DeploymentEventTrigger, EventTrigger
from prefect.exceptions import ObjectAlreadyExists
from prefect.flows import Flow
from prefect.runner.storage import LocalStorage
from prefect.schedules import Cron
from prefect.types.entrypoint import EntrypointType

from noise2music.core.errors import UserError
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.flows.prefect_everything import everything_flow
from noise2music.flows.prefect_flows import evaluate_flow, generate_flow, label_flow, train_flow
from noise2music.flows.prefect_run import CLIPS_READY, LABELS_READY, PLACE, STAGE_READY, check_server, whole_place


def deployments(settings: EndToEndSettings, name: str, pool: str, cron: str | None, active: bool) -> list[RunnerDeployment]:
    """label/NAME, train/NAME-STAGE for each stage that is trained, generate/NAME, evaluate/NAME where the chain evaluates, and
    everything/NAME, each with its settings as JSON.

    `cron` is when labeling starts, and with it the chain; a schedule that is not `active` waits to be switched on. Each runs once at a
    time, in the folder that this process works in. Raises UserError for a cron line that is none.
    """
    schedule = _schedule(cron, active)
    label = _deployment(label_flow, name, pool, {"settings": settings.label.as_json()}, schedules=schedule)
    train = [
        _deployment(
            train_flow,
            f"{name}-{stage}",
            pool,
            {"settings": settings.train.as_json(), "stage": stage},
            triggers=[DeploymentEventTrigger(name=f"{name}: labels start {stage}", **_event(LABELS_READY, settings.label.root))],
        )
        for stage in settings.trained_stages
    ]
    # With the weights that ship generation may use stages that nothing here trains, whose event would never come.
    awaited = [stage for stage in settings.trained_stages if stage in settings.generate.generation.chain] or settings.trained_stages
    ready = [EventTrigger(**_event(STAGE_READY, str(settings.train.folder(stage)))) for stage in awaited]
    generate = _deployment(
        generate_flow,
        name,
        pool,
        {"settings": settings.generate.as_json()},
        triggers=[DeploymentCompoundTrigger(name=f"{name}: stages start generation", require="all", triggers=[*ready])],
    )
    evaluate = [
        _deployment(
            evaluate_flow,
            name,
            pool,
            {"settings": table.as_json()},
            triggers=[DeploymentEventTrigger(name=f"{name}: clips start evaluation", **_event(CLIPS_READY, settings.generate.out))],
        )
        for table in (settings.evaluate,)
        if table is not None
    ]
    return [label, *train, generate, *evaluate, _deployment(everything_flow, name, pool, {"settings": settings.as_json()})]


def deploy(settings: EndToEndSettings, name: str, pool: str, cron: str | None = None, active: bool = True) -> list[str]:
    """Register the deployments and, where it is missing, their work pool; what was registered before under these names is replaced.

    Gives their names. Raises UserError, also where no server is named or answers.
    """
    if not os.environ.get("PREFECT_API_URL"):
        raise UserError("set PREFECT_API_URL to the Prefect server on which to deploy, for example http://127.0.0.1:4200/api.")
    check_server()
    made = deployments(settings, name, pool, cron, active)
    with get_client(sync_client=True) as client, suppress(ObjectAlreadyExists):
        client.create_work_pool(WorkPoolCreate(name=pool, type="process"))
    for deployment in made:
        deployment.apply()
    return [f"{deployment.flow_name}/{deployment.name}" for deployment in made]


def _deployment(flow: Flow[..., Any], name: str, pool: str, parameters: dict[str, Any], **when: Any) -> RunnerDeployment:
    """As a module, so that a worker needs the installed package and no copy of the code. Paths of the settings start in the folder that
    this process works in: without a pull step of its own a deployment would have the worker's folder copied to where it runs.
    """
    deployment = flow.to_deployment(
        name,
        parameters=parameters,
        work_pool_name=pool,
        concurrency_limit=1,
        entrypoint_type=EntrypointType.MODULE_PATH,
        description=(flow.fn.__doc__ or "").split("\n", 1)[0],
        **when,
    )
    assert isinstance(deployment, RunnerDeployment)
    deployment.storage = LocalStorage(str(Path.cwd()))
    return deployment


def _event(event: str, place: str) -> dict[str, Any]:
    return {"expect": {event}, "match": {PLACE: whole_place(place)}}


def _schedule(cron: str | None, active: bool) -> list[Any]:
    if cron is None:
        return []
    try:
        return [Cron(cron, active=active)]
    except ValueError as error:
        raise UserError(f"--cron {cron!r} is no cron line: {error}. For example: 0 3 * * * is every night at three.") from error
