"""Stages side by side, one process each: what they write, what happens when one fails, and how they are stopped."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.flows.train_parallel import STOPPED, Order, train_side_by_side, visible_gpus
from noise2music.models.training.log import read_journal
from noise2music.models.training.settings import TrainSettings
from tests.models.data.made_up_shards import uri_of, write_shards

GPUS = ["0", "1"]
FAST = {"recipe": {"clips": 4, "global_batch_size": 2, "seconds": 0.1, "warmup_clips": 0, "decay_clips": 10}}
LONG = {"recipe": {"clips": 200_000, "global_batch_size": 2, "seconds": 0.1, "warmup_clips": 0, "decay_clips": 200_000}}

PARENT = """
import sys
from noise2music.flows.train_parallel import train_side_by_side
from noise2music.models.training.settings import TrainSettings
settings = TrainSettings.model_validate_json(sys.argv[1])
for trained in train_side_by_side(settings, ["vocoder", "super-resolution"], ["0", "1"]):
    print(trained.stage, trained.finished)
"""


def settings_of(folder: Path, **values: object) -> TrainSettings:
    """A run on a few short clips, on the CPU, of the tiny networks."""
    shards = uri_of(write_shards(folder / "shards", clips=6, seconds=0.3))
    quick = {"validation": {"clips": 1, "levels": 1}, "samples": {"clips": 0}, "log": {"every_clips": 2, "tensorboard": False}}
    run = {"device": "cpu", "threads": 1}
    return TrainSettings.model_validate({"out": str(folder / "out"), "data": {"shards": shards}, "run": run, **quick, **values})


def test_no_gpu_is_seen_where_none_is_wanted() -> None:
    assert visible_gpus("cpu") == []


@pytest.mark.timeout(240)
def test_a_stage_that_fails_is_named_and_the_other_is_finished(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    settings = settings_of(tmp_path, **FAST, stages={"vocoder": {"global_batch_size": 2, "seconds": 0.003}})
    with pytest.raises(UserError, match=r"training of vocoder failed; why is said above"):
        train_side_by_side(settings, ["vocoder", "super-resolution"], GPUS)
    assert "n2m: the recipe of vocoder: seconds must be a whole number of hundredths" in capfd.readouterr().err
    assert read_journal(settings.folder("super-resolution"))[-1]["clips"] == 4
    assert (settings.folder("super-resolution") / "index.html").is_file()


@pytest.mark.slow
@pytest.mark.timeout(240)
@pytest.mark.parametrize("how", ["asked", "killed"])
def test_stopped_or_without_its_parent_a_stage_saves_and_ends(tmp_path: Path, how: str) -> None:
    settings = settings_of(tmp_path, **LONG)
    parent = subprocess.Popen([sys.executable, "-c", PARENT, settings.model_dump_json()], stdout=subprocess.PIPE, text=True)
    folders = [settings.folder("vocoder"), settings.folder("super-resolution")]
    deadline = time.monotonic() + 120
    while not all(read_journal(folder, "step") for folder in folders):
        assert time.monotonic() < deadline
        assert parent.poll() is None
        time.sleep(0.2)
    os.kill(parent.pid, signal.SIGINT if how == "asked" else signal.SIGKILL)
    said, _ = parent.communicate(timeout=60)
    if how == "asked":
        assert parent.returncode == 0
        assert "vocoder False\nsuper-resolution False\n" in said
    for folder in folders:
        while read_journal(folder)[-1]["kind"] != "checkpoint":
            assert time.monotonic() < deadline
            time.sleep(0.2)
        assert len(list((folder / "state").iterdir())) >= 1


@pytest.mark.slow
@pytest.mark.timeout(120)
def test_the_process_itself_says_that_it_was_stopped(tmp_path: Path) -> None:
    settings = settings_of(tmp_path, **LONG)
    order = Order(settings=settings, stage="super-resolution").model_dump_json() + "\n"
    found = subprocess.run(
        [sys.executable, "-m", "noise2music.flows.stage_process"], input=order, text=True, capture_output=True, check=False
    )
    assert (found.returncode, found.stderr) == (STOPPED, "")
