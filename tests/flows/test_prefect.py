"""The flow on a real Prefect server: what it shows, what it tries again, and what a user reads on the terminal."""

import json
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from tests.evaluation.sounds import write_clips
from tests.flows.generation import small_job, write_job
from tests.flows.music import small_settings, write_music
from tests.flows.prefect_server import Server
from tests.flows.test_kill import write_config
from tests.models.data.made_up_shards import uri_of, write_shards

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

STAGES = ["inventory", "scorer", "probe", "fingerprint", "copies", "ingest", "embed", "audio", "shard", "report"]
PER_VOCABULARY = ["vocabulary", "embed_text", "retrieve", "null", "count", "sample"]
TASKS = sorted([*STAGES, *(f"{stage} words" for stage in PER_VOCABULARY)])

RETRIED = """
from prefect import flow
from noise2music.flows.prefect_run import call_as_task
from noise2music.core.errors import UserError

failures = [UserError("cannot read s3://x/y: the object store does not answer (gone)."), None]

def stage():
    failure = failures.pop(0)
    if failure:
        raise failure

@flow(name="retried")
def run():
    call_as_task("stage", stage)

run()
"""

DEPLOYED = """
import json, sys
from noise2music.flows.prefect_flows import label_flow

parameters = json.loads(sys.argv[1])
label_flow.to_deployment("nightly", parameters=parameters, cron="0 3 * * *").apply()
print(label_flow(**parameters))
"""

EVALUATED = """
import json, sys
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.flows import evaluate
from noise2music.flows.run import run_evaluate
from tests.evaluation.small_networks import load_small

evaluate.load_embedder = load_small
print(run_evaluate(EvaluateSettings.model_validate(json.loads(sys.argv[1]))).page)
"""


TRIGGERED = """
import json, sys
from prefect.events import DeploymentEventTrigger
from noise2music.flows.prefect_run import LABELS_READY, announce
from noise2music.flows.prefect_flows import train_flow

trigger = DeploymentEventTrigger(expect={LABELS_READY}, parameters=json.loads(sys.argv[1]))
train_flow.to_deployment("on labels", triggers=[trigger], parameters=json.loads(sys.argv[1])).apply()
announce(LABELS_READY, sys.argv[2], {})
"""


ON_CLIPS = """
import sys
from pathlib import Path
from noise2music.flows.deploy import deploy
from noise2music.flows.prefect_run import CLIPS_READY, announce
from tests.flows.small_chain import read_chain, write_chain

settings = read_chain(write_chain(Path(sys.argv[1]), evaluate={}))
print(deploy(settings, "chain", "nobody works here"))
announce(CLIPS_READY, settings.generate.out, {})
"""


def test_every_stage_is_a_task_and_a_repeated_run_does_nothing(server: Server, tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=4)
    config = str(write_config(tmp_path, "root"))
    first = server.n2m("label", "-c", config)
    assert (first.returncode, first.stderr) == (0, "")
    assert "prefect." not in first.stdout
    (run,) = server.runs(f"label {tmp_path / 'root'}")
    assert f"/flow-runs/flow-run/{run['id']}" in first.stdout
    assert run["state_type"] == "COMPLETED"
    tasks = server.tasks(run)
    assert sorted(task["name"] for task in tasks) == TASKS
    assert {(task["state_type"], task["run_count"]) for task in tasks} == {("COMPLETED", 1)}

    found = {item["key"]: item for item in server.ask("artifacts") if item["flow_run_id"] == run["id"]}
    assert {key: item["type"] for key, item in found.items()} == {
        "label-funnel": "table",
        "label-distribution": "markdown",
        "label-report": "markdown",
    }
    funnel = json.loads(found["label-funnel"]["data"])
    figures = json.loads(next((tmp_path / "root" / "report").glob("*/report.json")).read_text())
    assert [row["count"] for row in funnel] == [step["count"] for step in figures["funnel"]]
    assert "](data:image/svg+xml;base64," in found["label-distribution"]["data"]
    assert "| words | 10 |" in found["label-distribution"]["data"]
    assert "/report.html](file:///" in found["label-report"]["data"]

    second = server.n2m("label", "-c", config)
    assert (second.returncode, second.stderr) == (0, "")
    assert "Nothing to do" in second.stdout
    said = [line["message"] for line in server.ask("logs", sort="TIMESTAMP_ASC") if line["name"] == "n2m"]
    assert any(line.startswith("embed ") and "parts made" in line for line in said)
    assert any(line.startswith("embed ") and "there already" in line for line in said)


def test_a_wrong_input_is_one_line_and_is_not_tried_again(server: Server, tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=2)
    config = str(write_config(tmp_path, "root"))
    found = server.n2m("label", "-c", config, "--set", f'corpus.audio="{tmp_path / "nothing"}"')
    assert found.returncode == 1
    assert found.stderr.startswith("n2m: there is no folder ")
    assert len(found.stderr.splitlines()) == 1
    (run,) = server.runs(f"label {tmp_path / 'root'}")
    assert run["state_type"] == "FAILED"
    (task,) = server.tasks(run)
    assert (task["name"], task["state_type"], task["run_count"]) == ("inventory", "FAILED", 1)


def test_a_store_that_was_away_is_asked_again(server: Server) -> None:
    found = server.python("-c", RETRIED)
    assert found.returncode == 0, found.stderr
    (task,) = [task for task in server.ask("task_runs") if task["name"] == "stage"]
    assert (task["state_type"], task["run_count"]) == ("COMPLETED", 2)


def test_the_flow_can_be_deployed_with_a_configuration_as_json(server: Server, tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=2)
    parameters = {"settings": small_settings(tmp_path).as_json(), "replay": False}
    found = server.python("-c", DEPLOYED, json.dumps(parameters))
    assert found.returncode == 0, found.stderr
    assert Path(found.stdout.splitlines()[-1]).is_file()
    (deployment,) = server.ask("deployments")
    assert deployment["parameters"] == parameters
    assert deployment["schedules"][0]["schedule"]["cron"] == "0 3 * * *"


def test_without_a_server_at_the_address_the_message_says_so(server: Server, tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=1)
    config = str(write_config(tmp_path, "root"))
    environment = server.environment | {"PREFECT_API_URL": "http://127.0.0.1:1/api"}
    command = [sys.executable, "-m", "noise2music.flows.cli", "label", "-c", config]
    found = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert found.returncode == 1
    assert "no Prefect server answers there" in found.stderr
    assert len(found.stderr.splitlines()) == 1


def test_a_stage_is_a_run_with_its_curve(server: Server, tmp_path: Path) -> None:
    config = write_training_config(tmp_path)
    found = server.n2m("train", "super-resolution", "-c", str(config))
    assert (found.returncode, found.stderr) == (0, "")
    (run,) = server.runs("train super-resolution")
    assert run["state_type"] == "COMPLETED"
    made = {item["key"]: item for item in server.ask("artifacts") if item["flow_run_id"] == run["id"]}
    assert set(made) == {"train-super-resolution", "samples-super-resolution"}
    assert "](data:image/svg+xml;base64," in made["train-super-resolution"]["data"]
    assert "index.html](file:///" in made["samples-super-resolution"]["data"]


def test_a_batch_job_is_a_run_with_its_figures_and_page(server: Server, tmp_path: Path) -> None:
    settings = small_job(tmp_path, run__workers=1)
    config = str(write_job(settings, tmp_path / "job.toml"))
    found = server.n2m("generate", "-c", config)
    assert (found.returncode, found.stderr) == (0, "")
    (run,) = server.runs(f"generate {settings.out}")
    assert run["state_type"] == "COMPLETED"
    assert sorted(task["name"] for task in server.tasks(run)) == ["clips", "page", "prompts"]
    made = {item["key"]: item for item in server.ask("artifacts") if item["flow_run_id"] == run["id"]}
    assert set(made) == {"generate-figures", "generate-page"}
    assert "| clips | 4 |" in made["generate-figures"]["data"]
    assert "index.html](file:///" in made["generate-page"]["data"]
    assert "Nothing to do" in server.n2m("generate", "-c", config).stdout
    wrong = server.n2m("generate", "-c", config, "--guidance", "7")
    assert wrong.returncode == 1
    assert "generation.sampling.guidance changed" in wrong.stderr
    assert len(wrong.stderr.splitlines()) == 1


def test_labels_that_are_ready_start_training(server: Server, tmp_path: Path) -> None:
    settings = tomllib.loads(write_training_config(tmp_path).read_text())
    found = server.python("-c", TRIGGERED, json.dumps({"settings": settings, "stage": "vocoder"}), str(tmp_path / "labels"))
    assert found.returncode == 0, found.stderr
    (deployment,) = [item for item in server.ask("deployments") if item["name"] == "on labels"]
    for _ in range(120):
        runs = server.ask("flow_runs", deployments={"id": {"any_": [deployment["id"]]}})
        if runs:
            break
        time.sleep(0.5)
    assert [run["parameters"]["stage"] for run in runs] == ["vocoder"]


def test_an_evaluation_is_a_run_with_its_figures_and_page(server: Server, tmp_path: Path) -> None:
    for name in ("good", "real"):
        write_clips(tmp_path / name, 4, salt=name)
    table = {"clips": [str(tmp_path / "good")], "reference": str(tmp_path / "real"), "out": str(tmp_path / "out"), "run": {"cache": ""}}
    found = server.python("-c", EVALUATED, json.dumps({**table, "networks": ["bands"], "permutations": 4}))
    assert found.returncode == 0, found.stderr
    (run,) = server.runs(f"evaluate {tmp_path / 'out'}")
    assert run["state_type"] == "COMPLETED"
    assert sorted(task["name"] for task in server.tasks(run)) == ["figures", "page", "pairing"]
    made = {item["key"]: item for item in server.ask("artifacts") if item["flow_run_id"] == run["id"]}
    assert {key: item["type"] for key, item in made.items()} == {"evaluate-figures": "table", "evaluate-page": "markdown"}
    rows = json.loads(made["evaluate-figures"]["data"])
    written = json.loads((tmp_path / "out/results.json").read_text())["rows"]
    assert [[row[name] for name in ("system", "metric", "value")] for row in rows] == [
        [row[name] for name in ("system", "metric", "value")] for row in written
    ]
    assert "index.html](file:///" in made["evaluate-page"]["data"]


def test_clips_that_are_ready_start_evaluation(server: Server, tmp_path: Path) -> None:
    found = server.python("-c", ON_CLIPS, str(tmp_path))
    assert found.returncode == 0, found.stderr
    assert "evaluate/chain" in found.stdout
    flows = {item["id"]: item["name"] for item in server.ask("flows")}
    deployed = {item["id"]: flows[item["flow_id"]] for item in server.ask("deployments") if item["name"] == "chain"}
    started: list[str] = []
    for _ in range(120):
        runs = server.ask("flow_runs")
        started = [deployed[run["deployment_id"]] for run in runs if run["deployment_id"] in deployed]
        if started:
            break
        time.sleep(0.5)
    assert started == ["evaluate"]


def write_training_config(folder: Path) -> Path:
    """A run of one step on a few short clips."""
    shards = uri_of(write_shards(folder / "shards", clips=6, seconds=0.5))
    config = folder / "train.toml"
    config.write_text(
        f'out = "{folder / "out"}"\n[data]\nshards = "{shards}"\n[recipe]\nclips = 2\nglobal_batch_size = 2\nseconds = 0.32\n'
        "warmup_clips = 0\ndecay_clips = 10\n[validation]\nclips = 1\nlevels = 1\n[samples]\nclips = 1\nsteps = 1\n"
    )
    return config
