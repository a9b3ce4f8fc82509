"""A run that is killed goes on as if it had not been: parameters, averages, optimizer and data order, bit by bit."""

import json
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from noise2music.core.errors import UserError
from noise2music.models.training.log import read_journal
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.state import saved_states
from noise2music.models.training.trainer import train
from tests.models.training.small_runs import final_state, run_settings

CLIPS = 160


def long_run(shards: str, out: Path, clips: int = CLIPS, threads: int = 1) -> dict:
    recipe = {"clips": clips, "global_batch_size": 4, "warmup_clips": 8, "decay_clips": max(400, clips), "learning_rate": 1e-2}
    checkpoints = {"every_clips": 8, "keep_last": 2, "profiles": [0.1]}
    run = {"threads": threads}
    return run_settings(shards, out, recipe=recipe, checkpoints=checkpoints, run=run).model_dump(mode="json", exclude_unset=True)


def start(settings: dict, stage: str = "waveform-generator") -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "tests.models.training.small_runs", stage, json.dumps(settings)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)


def equal(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def wait_for_saves(folder: Path, process: subprocess.Popen[bytes], beyond: int) -> None:
    """Until a state of more than `beyond` clips is there, or the run has ended."""
    deadline = time.monotonic() + 120
    while process.poll() is None and time.monotonic() < deadline:
        if any(int(path.stem.split("-")[1]) > beyond for path in saved_states(folder / "state")):
            return
        time.sleep(0.01)


def test_killed_five_times_and_bit_equal(shards: str, tmp_path: Path) -> None:
    whole = start(long_run(shards, tmp_path / "whole"))
    assert whole.wait(240) == 0, whole.stderr and whole.stderr.read()
    settings, folder = long_run(shards, tmp_path / "killed"), tmp_path / "killed" / "waveform-generator"
    chance, kills = random.Random(3), 0
    for _ in range(5):
        newest = max((int(path.stem.split("-")[1]) for path in saved_states(folder / "state")), default=0)
        process = start(settings)
        wait_for_saves(folder, process, newest + 8 * chance.randrange(1, 4))
        time.sleep(chance.random() * 0.05)
        kills += process.poll() is None
        process.kill()
        process.wait()
    last = start(settings)
    assert last.wait(240) == 0, last.stderr and last.stderr.read()
    assert kills == 5
    assert equal(final_state(folder), final_state(tmp_path / "whole" / "waveform-generator"))
    steps, expected = (read_journal(path, "step") for path in (folder, tmp_path / "whole" / "waveform-generator"))
    assert [(line["clips"], line["loss"]) for line in steps] == [(line["clips"], line["loss"]) for line in expected]


def test_several_threads_are_bit_equal_too(shards: str, tmp_path: Path) -> None:
    """Texts are encoded beside the loop, on one thread; that leaves the loop its own."""
    whole = start(long_run(shards, tmp_path / "whole", 64, 2))
    assert whole.wait(240) == 0, whole.stderr and whole.stderr.read()
    settings, folder = long_run(shards, tmp_path / "killed", 64, 2), tmp_path / "killed" / "waveform-generator"
    process = start(settings)
    wait_for_saves(folder, process, 16)
    process.kill()
    process.wait()
    assert start(settings).wait(240) == 0
    assert equal(final_state(folder), final_state(tmp_path / "whole" / "waveform-generator"))


def test_asked_to_stop_it_saves_and_goes_on(shards: str, tmp_path: Path) -> None:
    settings, folder = long_run(shards, tmp_path, 100_000), tmp_path / "waveform-generator"
    process = start(settings)
    wait_for_saves(folder, process, 8)
    process.terminate()
    assert process.wait(60) == 0
    steps = read_journal(folder, "step")
    assert 8 < steps[-1]["clips"] < 100_000
    assert int(saved_states(folder / "state")[-1].stem.split("-")[1]) == steps[-1]["clips"]
    # Whoever asks may kill soon: nothing is measured or sampled before it ends.
    assert read_journal(folder)[-2:] == [steps[-1], read_journal(folder, "checkpoint")[-1]]


def test_a_second_run_in_a_folder_is_refused_while_the_first_lasts(shards: str, tmp_path: Path) -> None:
    settings, folder = long_run(shards, tmp_path, 100_000), tmp_path / "waveform-generator"
    process = start(settings)
    wait_for_saves(folder, process, 8)
    with pytest.raises(UserError, match="another process is training in .*Wait until it has ended"):
        train(TrainSettings.model_validate(settings), "waveform-generator")
    assert process.poll() is None
    process.kill()
    process.wait()
    clips = int(saved_states(folder / "state")[-1].stem.split("-")[1])
    process = start(settings)
    wait_for_saves(folder, process, clips)
    process.terminate()
    assert process.wait(60) == 0


@pytest.mark.usefixtures("small_stages")
def test_a_place_that_cannot_hold_a_run_is_one_message(shards: str, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write to .*file/out/vocoder: Not a directory\. Set another `out`"):
        train(run_settings(shards, tmp_path / "file" / "out"), "vocoder")


@pytest.mark.usefixtures("small_stages")
def test_a_damaged_state_is_said_and_the_one_before_it_taken(shards: str, tmp_path: Path) -> None:
    keep = {"every_clips": 8, "keep_last": 3}
    train(run_settings(shards, tmp_path / "a", checkpoints=keep), "vocoder")
    folder = tmp_path / "a" / "vocoder"
    wanted = final_state(folder)
    newest = saved_states(folder / "state")[-1]
    newest.write_bytes(newest.read_bytes()[:-10])
    train(run_settings(shards, tmp_path / "a", checkpoints=keep), "vocoder")
    assert equal(final_state(folder), wanted)
    for path in saved_states(folder / "state"):
        path.write_bytes(b"")
    with pytest.raises(UserError, match=r"no saved state in .* can be read\. Remove that folder"):
        train(run_settings(shards, tmp_path / "a", checkpoints=keep), "vocoder")


@pytest.mark.usefixtures("small_stages")
def test_another_run_in_the_same_place_is_refused(shards: str, tmp_path: Path) -> None:
    train(run_settings(shards, tmp_path), "waveform-generator")
    with pytest.raises(UserError, match=r"holds a run of the waveform-generator with another value of seed\. Set another `out`"):
        train(run_settings(shards, tmp_path, seed=1), "waveform-generator")


@pytest.mark.usefixtures("small_stages")
def test_a_finished_run_is_not_run_again(shards: str, tmp_path: Path) -> None:
    first = train(run_settings(shards, tmp_path), "waveform-generator")
    before = first.weights.stat().st_mtime_ns
    again = train(run_settings(shards, tmp_path), "waveform-generator")
    assert (again.finished, again.clips) == (True, 24)
    assert again.weights.stat().st_mtime_ns == before
