"""A batch job killed with SIGKILL again and again, then finished: the core of the tests on a folder and on an object store."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from noise2music.core.storage import Store, open_store
from noise2music.models.job.settings import GenerateSettings
from tests.flows.generation import write_job

_TO_MAKE = re.compile(r"^([\d,]+) clips to make", re.MULTILINE)
_POLL = 0.05


@dataclass(frozen=True)
class Killed:
    """Clips that were there at each kill, and clips that lay there without a record: in flight, so made once more."""

    there: tuple[int, ...]
    in_flight: tuple[int, ...]


def start_job(settings: GenerateSettings, config: Path) -> "subprocess.Popen[str]":
    """The command in a process group of its own, on one thread a library."""
    command = [sys.executable, "-m", "noise2music.flows.cli", "generate", "-c", str(write_job(settings, config))]
    environment = {key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"} | {"OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True)


def kill_and_finish(settings: GenerateSettings, config: Path, total: int, kills: int, seed: int = 0) -> Killed:
    """Run the job of `total` prompts, kill it after a random number of clips, `kills` times, then let it finish.

    Asserts that each run sets out to make exactly the clips that had no record, and that no finished clip is touched again. The kills are
    spread over the whole job; a run that ends before its turn is a kill less.
    """
    store, chance = open_store(settings.out), random.Random(seed)
    there, in_flight = [], []
    stamps: dict[str, str] = {}
    for number in range(kills):
        before = len(clip_stamps(store))
        process = start_job(settings, config)
        wanted = max(before, round(total * (number + chance.random()) / (kills + 1)))
        while process.poll() is None and len(clip_stamps(store)) < wanted:
            time.sleep(_POLL)
        time.sleep(chance.uniform(0, 1.0))
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        said, _ = process.communicate()
        _check_said(said, total - before)
        now = clip_stamps(store)
        assert {key: now.get(key) for key in stamps} == stamps
        stamps = now
        there.append(len(now))
        in_flight.append(sum(1 for _ in store.entries("audio")) - len(now))
    before = len(clip_stamps(store))
    process = start_job(settings, config)
    said, _ = process.communicate()
    assert process.returncode == 0, said
    _check_said(said, total - before)
    now = clip_stamps(store)
    assert {key: now.get(key) for key in stamps} == stamps
    assert len(now) == total
    return Killed(tuple(there), tuple(in_flight))


def clip_stamps(store: Store) -> dict[str, str]:
    """What changes when a record is written again, by its path."""
    return {entry.path: entry.stamp for entry in store.entries("clips")}


def _check_said(said: str, missing: int) -> None:
    """A run that came so far says how many clips it makes."""
    found = _TO_MAKE.search(said)
    if found:
        assert int(found[1].replace(",", "")) == missing, said
