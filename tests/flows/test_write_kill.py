"""The writer killed again and again, and its server too: the same vocabulary, and nothing asked twice beyond what was in flight."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from noise2music.core.storage import open_store
from noise2music.flows.inspect import verify_root
from tests.flows.music import parquet_tree, write_toml
from tests.flows.songs import written_settings

KILLS, CONCURRENCY = 10, 4
SONGS, SAMPLES = 40, 4
NAMED = {"write__samples": SAMPLES, "run__server__concurrency": CONCURRENCY}


class CountingServer:
    """The test server as a process of its own on one port; `asked` counts every request that it began to answer."""

    def __init__(self, folder: Path) -> None:
        self.log, self._port = folder / "asked.txt", folder / "port"
        self.log.touch()
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    def start(self) -> None:
        self._port.unlink(missing_ok=True)
        options = ["--port", str(self.port), "--port-file", str(self._port), "--log", str(self.log), "--delay", "0.05"]
        self.process = subprocess.Popen([sys.executable, "-m", "tests.llm_server", *options])
        while not self._port.is_file() or not self._port.read_text():
            time.sleep(0.05)
        self.port = int(self._port.read_text())

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def asked(self) -> Counter[str]:
        return Counter(self.log.read_text().split())


def start(config: Path) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "noise2music.flows.cli", "write", "-c", str(config)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_run_killed_ten_times_asks_nothing_twice_and_writes_the_same_bytes(tmp_path: Path) -> None:
    server = CountingServer(tmp_path)
    try:
        undisturbed = write_toml(written_settings(tmp_path, "undisturbed", server.url, SONGS, **NAMED), tmp_path / "a.toml")
        started = time.monotonic()
        assert start(undisturbed).wait() == 0
        whole = time.monotonic() - started
        assert set(server.asked().values()) == {1}
        assert server.asked().total() == SONGS * SAMPLES
        server.log.write_text("")
        killed = write_toml(written_settings(tmp_path, "killed", server.url, SONGS, **NAMED), tmp_path / "b.toml")
        moment = random.Random(0)
        interrupted = 0
        for _ in range(KILLS):
            process = start(killed)
            try:
                process.wait(moment.uniform(0.5, 1.0) * whole)
            except subprocess.TimeoutExpired:
                interrupted += 1
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        assert start(killed).wait() == 0
    finally:
        server.kill()
    asked = server.asked()
    assert len(asked) == SONGS * SAMPLES
    assert asked.total() - len(asked) <= interrupted * CONCURRENCY
    assert interrupted >= 2
    assert parquet_tree(tmp_path / "killed") == parquet_tree(tmp_path / "undisturbed")
    assert verify_root(open_store(str(tmp_path / "killed")))[1] == []


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_server_killed_and_started_again_changes_nothing(tmp_path: Path) -> None:
    server = CountingServer(tmp_path)
    try:
        undisturbed = write_toml(written_settings(tmp_path, "undisturbed", server.url, SONGS, **NAMED), tmp_path / "a.toml")
        assert start(undisturbed).wait() == 0
        server.log.write_text("")
        other = write_toml(written_settings(tmp_path, "other", server.url, SONGS, **NAMED), tmp_path / "b.toml")
        process = start(other)
        for share in (0.2, 0.5, 0.8):
            while server.asked().total() < share * SONGS * SAMPLES:
                time.sleep(0.02)
            server.kill()
            time.sleep(1.5)
            server.start()
        assert process.wait() == 0
    finally:
        server.kill()
    asked = server.asked()
    assert len(asked) == SONGS * SAMPLES
    assert asked.total() - len(asked) <= 3 * CONCURRENCY
    assert parquet_tree(tmp_path / "other") == parquet_tree(tmp_path / "undisturbed")
