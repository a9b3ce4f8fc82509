"""Deployments: what is registered, and that on a real server with a real worker one link of the chain starts the next."""

import inspect
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prefect.deployments.runner import RunnerDeployment
from prefect.events import DeploymentTriggerTypes
from prefect.flows import Flow, load_flow_from_entrypoint
from pydantic import TypeAdapter

from noise2music.core.errors import UserError
from noise2music.core.settings import Settings
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.flows.config import given_settings
from noise2music.flows.deploy import deploy, deployments
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.models.job.settings import GenerateSettings
from noise2music.models.training.settings import TrainSettings
from noise2music.pipelines.settings import LabelSettings
from tests.flows.prefect_server import Server, end
from tests.flows.small_chain import read_chain, write_chain

PROJECT = Path(__file__).resolve().parents[2]
KINDS: dict[str, type[Settings]] = {
    "label": LabelSettings,
    "train": TrainSettings,
    "generate": GenerateSettings,
    "evaluate": EvaluateSettings,
    "everything": EndToEndSettings,
}
WITHIN = 1500


def by_name(made: list[RunnerDeployment]) -> dict[str, RunnerDeployment]:
    return {f"{item.flow_name}/{item.name}": item for item in made}


def test_one_deployment_a_link_each_with_settings_that_its_flow_takes(tmp_path: Path) -> None:
    settings = read_chain(write_chain(tmp_path))
    made = by_name(deployments(settings, "x", "pool", "0 3 * * *", active=False))
    assert list(made) == ["label/x", "train/x-spectrogram-generator", "train/x-vocoder", "generate/x", "everything/x"]
    for name, deployment in made.items():
        kind = name.split("/")[0]
        wanted = settings if kind == "everything" else getattr(settings, kind)
        assert given_settings(KINDS[kind], deployment.parameters["settings"]) == wanted
        assert (deployment.work_pool_name, deployment.concurrency_limit) == ("pool", 1)
        module = "prefect_everything" if kind == "everything" else "prefect_flows"
        assert deployment.entrypoint == f"noise2music.flows.{module}.{kind}_flow"
    (schedule,) = made["label/x"].schedules or []
    assert (schedule.schedule.cron, schedule.active) == ("0 3 * * *", False)  # type: ignore[union-attr]
    assert not made["everything/x"].schedules
    assert not made["everything/x"].triggers


def test_a_link_waits_for_its_own_place_only(tmp_path: Path) -> None:
    made = by_name(deployments(read_chain(write_chain(tmp_path)), "x", "pool", None, active=True))
    (trigger,) = made["train/x-vocoder"].triggers
    assert trigger.model_dump()["match"] == {"n2m.place": str(tmp_path / "chain/labels")}
    (compound,) = made["generate/x"].triggers
    dumped = compound.model_dump()
    assert dumped["require"] == "all"
    assert [part["match"]["n2m.place"] for part in dumped["triggers"]] == [
        str(tmp_path / "chain/cascade/spectrogram-generator"),
        str(tmp_path / "chain/cascade/vocoder"),
    ]
    assert not made["label/x"].schedules


def test_clips_that_are_ready_start_evaluation(tmp_path: Path) -> None:
    settings = read_chain(write_chain(tmp_path, evaluate={"networks": ["yamnet"]}))
    made = by_name(deployments(settings, "x", "pool", None, active=True))
    assert list(made)[-2:] == ["evaluate/x", "everything/x"]
    assert given_settings(EvaluateSettings, made["evaluate/x"].parameters["settings"]) == settings.evaluate
    assert given_settings(EndToEndSettings, made["everything/x"].parameters["settings"]) == settings
    (trigger,) = made["evaluate/x"].triggers
    dumped = trigger.model_dump()
    assert (dumped["expect"], dumped["match"]) == ({"n2m.clips-ready"}, {"n2m.place": str(tmp_path / "chain/generated")})


@pytest.mark.parametrize(
    ("stages", "awaited"), [(["vocoder"], ["vocoder"]), (["waveform-generator"], ["waveform-generator"]), (None, None)]
)
def test_generation_from_shipped_weights_waits_for_stages_that_are_trained(
    tmp_path: Path, stages: list[str] | None, awaited: list[str] | None
) -> None:
    generate = {
        "prompts": str(tmp_path / "prompts.txt"),
        "checkpoints": "tiny",
        "generation": {"route": "spectrogram", "stop_after": "vocoder"},
    }
    changes = {"generate": generate} if stages is None else {"generate": generate, "stages": stages}
    made = by_name(deployments(read_chain(write_chain(tmp_path, **changes)), "x", "pool", None, active=True))
    trained = [name.removeprefix("train/x-") for name in made if name.startswith("train/")]
    (compound,) = made["generate/x"].triggers
    folders = [Path(part["match"]["n2m.place"]).name for part in compound.model_dump()["triggers"]]
    assert folders == (awaited or trained)
    assert set(folders) <= set(trained)


def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_chain(write_chain(tmp_path))
    with pytest.raises(UserError, match=r"--cron 'nightly' is no cron line"):
        deployments(settings, "x", "pool", "nightly", active=True)
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    with pytest.raises(UserError, match=r"set PREFECT_API_URL to the Prefect server"):
        deploy(settings, "x", "pool")


def test_prefect_yaml_names_flows_and_settings_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(PROJECT)
    listed = yaml.safe_load((PROJECT / "prefect.yaml").read_text())["deployments"]
    found: dict[str, list[Any]] = {}
    for item in listed:
        flow = load_flow_from_entrypoint(item["entrypoint"])
        assert isinstance(flow, Flow)
        assert set(item["parameters"]) <= set(inspect.signature(flow.fn).parameters)
        settings = given_settings(KINDS[flow.name], item["parameters"]["settings"])
        triggers = [TypeAdapter(DeploymentTriggerTypes).validate_python(trigger) for trigger in item.get("triggers", [])]
        found.setdefault(flow.name, []).append((settings, triggers))
        assert all(schedule["active"] is False for schedule in item.get("schedules", []))
    assert set(found) == set(KINDS)
    root = found["label"][0][0].root
    for settings, (trigger,) in found["train"]:
        assert settings.data.shards == root
        assert trigger.model_dump()["match"] == {"n2m.given": root}
    ((generate, (compound,)),) = found["generate"]
    ((evaluation, (trigger,)),) = found["evaluate"]
    assert trigger.model_dump()["match"] == {"n2m.given": generate.out}
    assert (evaluation.clips, evaluation.reference) == ((generate.out,), root)
    chain = generate.generation.chain
    assert [part["match"]["n2m.given"] for part in compound.model_dump()["triggers"]] == [
        f"{generate.checkpoints}/{stage}" for stage in chain
    ]


@pytest.fixture
def worker(server: Server, tmp_path: Path) -> Iterator[Path]:
    """A worker in a folder of its own; gives its log."""
    log = tmp_path / "worker.log"
    command = [sys.executable, "-m", "prefect", "worker", "start", "--pool", "chain", "--type", "process"]
    environment = server.environment | {"PREFECT_WORKER_QUERY_SECONDS": "2"}
    with log.open("wb") as file:
        process = subprocess.Popen(command, env=environment, stdout=file, stderr=subprocess.STDOUT, cwd=tmp_path, start_new_session=True)
    yield log
    end(process)


@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_labels_start_training_and_stages_start_generation(server: Server, worker: Path, tmp_path: Path) -> None:
    folder = tmp_path / "of its own"
    folder.mkdir()
    found = server.n2m("deploy", "-c", str(write_chain(folder)), "--pool", "chain", "--cron", "0 3 * * *", "--paused")
    assert found.returncode == 0, found.stderr
    flows = {item["id"]: item["name"] for item in server.ask("flows")}
    deployed = {f"{flows[item['flow_id']]}/{item['name']}": item for item in server.ask("deployments")}
    assert [item["active"] for item in deployed["label/chain"]["schedules"]] == [False]
    server.post(f"deployments/{deployed['label/chain']['id']}/create_flow_run", {})
    deadline = time.monotonic() + WITHIN
    wanted = {name for name in deployed if not name.startswith("everything/")}
    names = {item["id"]: name for name, item in deployed.items()}
    ended: dict[str, str] = {}
    while len(ended) < len(wanted) and time.monotonic() < deadline:
        runs = [run for run in server.ask("flow_runs") if run["deployment_id"] and not run["parent_task_run_id"]]
        ended = {names[run["deployment_id"]]: run["state_type"] for run in runs if run["state_type"] in ("COMPLETED", "FAILED", "CRASHED")}
        time.sleep(3)
    assert ended == dict.fromkeys(wanted, "COMPLETED"), worker.read_text()[-4000:]
    assert len(list((folder / "chain/generated/audio").glob("*.flac"))) == 2
    assert len(runs) == len(wanted)
