"""Against a real vLLM: `make test-vllm VLLM=PYTHON`, with the interpreter of an environment that has vLLM (docs/llm.md)."""

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.flows.label import write_captions
from noise2music.labeling.corpus.songs import Song
from noise2music.labeling.datasets.dataset import Dataset, list_datasets
from noise2music.labeling.writer.base import Answer, Reply
from noise2music.labeling.writer.local import STARTER, LocalWriter
from noise2music.labeling.writer.prompt import load_prompt
from noise2music.labeling.writer.server import ServerWriter
from noise2music.labeling.writer_settings import Server, Write
from noise2music.pipelines.settings import LabelSettings
from tests import vllm_server
from tests.flows.songs import written_settings

PYTHON = os.environ.get("N2M_VLLM_PYTHON", "")

pytestmark = [pytest.mark.vllm, pytest.mark.timeout(1800), pytest.mark.skipif(not PYTHON, reason="N2M_VLLM_PYTHON names no interpreter")]


class Vllm:
    """A vLLM on one port that can be killed and started again."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = vllm_server.free_port()
        self.url = f"http://127.0.0.1:{self.port}/v1"
        self.start()
        self.wait()

    def start(self) -> None:
        self.process = vllm_server.start(PYTHON, self.port, self.folder / "vllm.log")

    def wait(self) -> None:
        vllm_server.wait_until_ready(self.process, self.port, self.folder / "vllm.log")

    def kill(self) -> None:
        vllm_server.stop(self.process)


@pytest.fixture(scope="module")
def vllm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vllm]:
    server = Vllm(tmp_path_factory.mktemp("vllm"))
    yield server
    server.kill()


def settings(folder: Path, url: str, songs: int, **changes: Any) -> LabelSettings:
    return written_settings(folder, "root", url, songs, **{"write__model": STARTER, "run__server__timeout": 120, **changes})


def latest(folder: Path, stage: str) -> Dataset:
    return list_datasets(open_store(str(folder / "root")), stage)[-1]


def test_two_hundred_songs_four_times_and_no_dead_row(vllm: Vllm, tmp_path: Path) -> None:
    captions = write_captions(settings(tmp_path, vllm.url, 200))["llm_long"]
    manifest = latest(tmp_path, "write").manifest
    assert (manifest.rows, manifest.dead_rows) == (800, 0)
    assert manifest.stats["requests"] - manifest.stats["retries"] == 800
    assert manifest.stats["retries"] <= 8
    assert captions.manifest.rows > 800


def test_a_server_that_is_killed_and_started_again_loses_nothing(vllm: Vllm, tmp_path: Path) -> None:
    wanted = settings(tmp_path, vllm.url, 100, run__server__patience=600)
    failed: list[BaseException] = []

    def write() -> None:
        try:
            write_captions(wanted)
        except BaseException as error:
            failed.append(error)

    running = threading.Thread(target=write)
    running.start()
    time.sleep(6)
    vllm.kill()
    vllm.start()
    vllm.wait()
    running.join()
    assert not failed
    manifest = latest(tmp_path, "write").manifest
    assert (manifest.rows, manifest.dead_rows) == (400, 0)
    assert manifest.stats["requests"] <= 400 + 2 * wanted.run.server.concurrency + 60


def test_the_folder_says_the_same_in_vllm_and_here(vllm: Vllm) -> None:
    """Greedy: both take the likeliest token, so only a near tie can come out otherwise."""
    songs = [
        Song(f"Paper River {number}", "Ida Holm", ("folk", "calm"), ("piano", "cello"), 60.0 + number, "C minor") for number in range(20)
    ]
    prompt, write = load_prompt("songs-starter"), Write(temperature=0)
    requests = [prompt.request(song, write, STARTER, 0) for song in songs]

    def answers(writer: ServerWriter | LocalWriter) -> list[str]:
        found: dict[int, Answer] = {}
        writer.write(requests, found.update)
        writer.close()
        return [answer.text if isinstance(answer, Reply) else "" for _, answer in sorted(found.items())]

    here, there = answers(LocalWriter(STARTER, None, "cpu")), answers(ServerWriter(Server(url=vllm.url), STARTER))
    assert sum(left == right for left, right in zip(here, there, strict=True)) >= 18


def test_tokens_are_counted_by_vllm_as_here(vllm: Vllm) -> None:
    requests = [load_prompt("songs-starter").request(Song("Paper River", "Ida Holm", ("folk",)), Write(), STARTER, 0)]
    assert ServerWriter(Server(url=vllm.url), STARTER).count_tokens(requests) == LocalWriter(STARTER, None, "cpu").count_tokens(requests)


def test_a_model_that_is_not_served_stops_the_run(vllm: Vllm, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="served name"):
        write_captions(settings(tmp_path, vllm.url, 3, write__model="other"))
