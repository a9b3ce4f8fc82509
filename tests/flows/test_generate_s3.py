"""Batch generation onto a real S3 server: many writers, a server that goes away, refused credentials, and SIGKILL."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.core.storage import may_pass, open_store
from noise2music.flows.cli import main
from noise2music.flows.generate import generate
from noise2music.models.job.settings import GenerateSettings
from tests.flows.generation import content, small_job, write_prompts
from tests.flows.generation_kills import clip_stamps, kill_and_finish, start_job
from tests.s3_server import S3Server

WRITERS, PROMPTS = 16, 6
MANY, KILLS, WORKERS = 500, 10, 2

pytestmark = [pytest.mark.s3, pytest.mark.timeout(900)]


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a cascade, prompts, and a finished job of theirs in "alone"."""
    folder = tmp_path_factory.mktemp("generation")
    write_prompts(folder / "prompts.csv", PROMPTS)
    generate(small_job(folder, "alone", seconds=0.2))
    return folder


def job(shared: Path, out: str, workers: int = 1) -> GenerateSettings:
    """The same clips, into another place."""
    return small_job(shared, out, seconds=0.2, run__workers=workers)


def wait(until: Callable[[], bool], seconds: float = 120.0) -> None:
    """Until something is so."""
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_sixteen_writers_into_one_place_leave_every_clip_whole(shared: Path, bucket: str) -> None:
    settings = job(shared, f"{bucket}/sixteen")
    start = threading.Barrier(WRITERS)

    def write(_: int) -> int:
        start.wait()
        return len(generate(settings).clips)

    with ThreadPoolExecutor(WRITERS) as pool:
        assert list(pool.map(write, range(WRITERS))) == [PROMPTS] * WRITERS
    assert content(open_store(settings.out)) == content(str(shared / "alone"))
    assert generate(settings).nothing_done


def test_a_server_that_is_killed_stops_the_job_with_one_message_and_the_same_command_completes(
    shared: Path, s3_server: S3Server, bucket: str
) -> None:
    settings = job(shared, f"{bucket}/killed")
    store = open_store(settings.out)
    failed: list[BaseException] = []

    def run() -> None:
        try:
            generate(settings)
        except UserError as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    wait(lambda: len(clip_stamps(store)) >= 1)
    s3_server.kill()
    thread.join()
    s3_server.start()
    (error,) = failed
    assert "does not answer" in str(error)
    assert "\n" not in str(error)
    assert may_pass(error)
    there = clip_stamps(store)
    assert 1 <= len(there) < PROMPTS
    done = generate(settings)
    assert done.made == PROMPTS - len(there)
    assert {path: stamp for path, stamp in clip_stamps(store).items() if path in there} == there
    assert content(store) == content(str(shared / "alone"))


def test_a_server_that_comes_back_at_once_is_waited_for(shared: Path, s3_server: S3Server, bucket: str) -> None:
    settings = job(shared, f"{bucket}/back")
    store = open_store(settings.out)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(generate, settings)
        wait(lambda: len(clip_stamps(store)) >= 1)
        s3_server.kill()
        s3_server.start()
        assert len(running.result().clips) == PROMPTS
    assert content(store) == content(str(shared / "alone"))


@pytest.mark.parametrize("secret", ["wrongwrong", ""])
def test_refused_credentials_are_one_message(
    shared: Path, bucket: str, secret: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    command = ["n2m", "generate", str(shared / "prompts.csv"), "--checkpoints", str(shared / "cascade"), "--out", f"{bucket}/refused"]
    monkeypatch.setattr("sys.argv", [*command, "--set", "run.device=cpu"])
    with pytest.raises(SystemExit) as left:
        main()
    said = capsys.readouterr()
    assert left.value.code == 1
    assert said.err.startswith("n2m: cannot ")
    assert said.err.count("\n") == 1
    assert "credentials" in said.err
    assert "Traceback" not in said.out + said.err
    assert secret not in said.err or not secret


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_five_hundred_prompts_killed_ten_times_give_the_same_bytes_and_no_clip_is_made_twice(
    tmp_path: Path, s3_server: S3Server, bucket: str
) -> None:
    write_prompts(tmp_path / "prompts.csv", MANY)
    undisturbed = small_job(tmp_path, "undisturbed", seconds=0.1, run__workers=WORKERS)
    assert start_job(undisturbed, tmp_path / "undisturbed.toml").wait() == 0
    settings = undisturbed.model_copy(update={"out": f"{bucket}/five-hundred"})
    killed = kill_and_finish(settings, tmp_path / "killed.toml", MANY, KILLS)
    assert max(killed.in_flight) <= WORKERS
    assert len(set(killed.there)) >= KILLS // 2
    store = open_store(settings.out)
    assert len(clip_stamps(store)) == MANY
    assert content(store) == content(undisturbed.out)
    puts = s3_server.puts(f"{settings.out.removeprefix('s3://')}/audio/")
    if puts is not None:
        assert MANY <= puts <= MANY + KILLS * WORKERS
