"""The command killed with SIGKILL at random moments, again and again, then finished."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from noise2music.core.storage import open_store
from noise2music.flows.inspect import verify_root
from tests.flows.music import parquet_tree, small_settings, write_music, write_toml

KILLS = 20


def start(config: Path) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        [sys.executable, "-m", "noise2music.flows.cli", "label", "-c", str(config)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={key: value for key, value in os.environ.items() if key != "PREFECT_API_URL"},
        start_new_session=True,
    )


def write_config(folder: Path, root: str) -> Path:
    """The small settings as TOML."""
    return write_toml(small_settings(folder, root, parts=6, run__workers=2), folder / f"{root}.toml")


def finished_records(root: Path) -> dict[Path, tuple[int, int]]:
    """Every record of a finished part, with what changes when it is written again."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in root.glob("*/*/stats/*.json")}


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_killed_twenty_times_and_finished_gives_the_same_bytes_and_makes_no_part_twice(tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=24)
    undisturbed = write_config(tmp_path, "undisturbed")
    started = time.monotonic()
    assert start(undisturbed).wait() == 0
    whole = time.monotonic() - started
    killed, finished, random_moment = write_config(tmp_path, "killed"), {}, random.Random(0)
    for _ in range(KILLS):
        process = start(killed)
        try:
            process.wait(random_moment.uniform(0.25, 1.0) * whole)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        now = finished_records(tmp_path / "killed")
        assert all(now.get(path) == stamp for path, stamp in finished.items())
        finished = now
    assert start(killed).wait() == 0
    assert parquet_tree(tmp_path / "killed") == parquet_tree(tmp_path / "undisturbed")
    assert verify_root(open_store(str(tmp_path / "killed")))[1] == []
