"""The exit of `n2m train`: 0 at the end, 130 and 143 where it was asked to stop, so that what follows with && does not start."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from noise2music.models.training.log import read_journal
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.state import saved_states
from tests.flows.prefect_server import Server
from tests.flows.test_train_parallel import FAST, LONG, settings_of

MANY = ["vocoder", "super-resolution"]


def write_config(settings: TrainSettings, path: Path, **run: object) -> Path:
    """Settings as a configuration file."""
    values = settings.model_dump(mode="json", exclude_defaults=True)
    values["run"] = {**values.get("run", {}), **run}
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, dict)]
    for table, inner in values.items():
        if isinstance(inner, dict):
            lines += [f"[{table}]", *(f"{key} = {json.dumps(value)}" for key, value in inner.items())]
    path.write_text("\n".join(lines) + "\n")
    return path


def start(config: Path, *stages: str) -> "subprocess.Popen[str]":
    environment = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"}
    command = [sys.executable, "-m", "noise2music.flows.cli", "train", *stages, "-c", str(config)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def wait_for(folders: list[Path], process: "subprocess.Popen[str]", kind: str) -> None:
    deadline = time.monotonic() + 120
    while not all(read_journal(folder, kind) for folder in folders):
        assert time.monotonic() < deadline
        assert process.poll() is None, process.communicate()
        time.sleep(0.1)


@pytest.mark.timeout(240)
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_asked_to_stop_it_saves_says_so_and_leaves_with_the_signals_code(tmp_path: Path, number: signal.Signals, code: int) -> None:
    settings = settings_of(tmp_path, **LONG)
    process = start(write_config(settings, tmp_path / "t.toml"), "super-resolution", "vocoder")
    folder = settings.folder("super-resolution")
    wait_for([folder], process, "step")
    process.send_signal(number)
    said, wrong = process.communicate(timeout=60)
    assert (process.returncode, wrong) == (code, "")
    assert "super-resolution stopped after" in said
    assert "The same command goes on from there" in said
    assert saved_states(folder / "state")
    assert not settings.folder("vocoder").exists()


@pytest.mark.timeout(240)
def test_at_the_end_it_leaves_with_0(tmp_path: Path) -> None:
    process = start(write_config(settings_of(tmp_path, **FAST), tmp_path / "t.toml"), "super-resolution")
    said, wrong = process.communicate(timeout=200)
    assert (process.returncode, wrong) == (0, "")
    assert "Weights: " in said


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("when", ["at once", "in training"])
def test_stages_side_by_side_stop_without_a_word_of_failure(tmp_path: Path, when: str) -> None:
    settings = settings_of(tmp_path, **LONG)
    process = start(write_config(settings, tmp_path / "t.toml", at_once=2), *MANY)
    if when == "at once":
        # Both have been started, and neither has imported what it needs.
        assert process.stdout is not None
        for _ in MANY:
            assert "beside other stages" in process.stdout.readline()
    else:
        wait_for([settings.folder("vocoder"), settings.folder("super-resolution")], process, "step")
    process.send_signal(signal.SIGINT)
    said, wrong = process.communicate(timeout=100)
    assert (process.returncode, wrong) == (130, "")
    assert "vocoder stopped after" in said
    assert "super-resolution stopped after" in said


@pytest.mark.slow
@pytest.mark.timeout(240)
def test_a_process_that_the_system_ends_is_said(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, **LONG)
    process = start(write_config(settings, tmp_path / "t.toml", at_once=2), *MANY)
    folders = [settings.folder("vocoder"), settings.folder("super-resolution")]
    wait_for(folders, process, "step")
    found = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=False)
    children = [int(pid) for pid in found.stdout.split()]
    assert len(children) == 2
    os.kill(children[0], signal.SIGKILL)
    time.sleep(2)
    process.send_signal(signal.SIGTERM)
    said, wrong = process.communicate(timeout=100)
    assert process.returncode == 1, said
    assert "was ended by SIGKILL, as the system does where memory is short" in wrong


ON_SERVER = """
import json, sys
from noise2music.flows.prefect_flows import train_flow
train_flow(json.loads(sys.argv[1]), "super-resolution")
"""


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("how", ["command", "flow"])
def test_on_a_prefect_server_a_training_that_was_stopped_is_cancelled(server: Server, tmp_path: Path, how: str) -> None:
    settings = settings_of(tmp_path, **LONG)
    arguments = ["-m", "noise2music.flows.cli", "train", "super-resolution", "-c", str(write_config(settings, tmp_path / "t.toml"))]
    arguments = arguments if how == "command" else ["-c", ON_SERVER, json.dumps(settings.as_json())]
    before = {run["id"] for run in server.ask("flow_runs")}
    process = subprocess.Popen(
        [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=server.environment
    )
    folder = settings.folder("super-resolution")
    wait_for([folder], process, "step")
    process.send_signal(signal.SIGTERM)
    said, wrong = process.communicate(timeout=120)
    if how == "command":
        assert (process.returncode, wrong) == (143, "")
        assert "super-resolution stopped after" in said
    runs = [run for run in server.ask("flow_runs") if run["id"] not in before]
    assert [(run["state_type"], run["run_count"]) for run in runs] == [("CANCELLED", 1)]
    assert saved_states(folder / "state")
