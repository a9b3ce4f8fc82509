"""The server as it runs: what it serves, what it takes, and what it leaves alone."""

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from socket import socket
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from noise2music.core.errors import UserError
from noise2music.evaluation.listening.answers import LARGEST
from noise2music.evaluation.listening.make import make_listening_test
from noise2music.evaluation.listening.questionnaire import QUESTIONNAIRE, json_bytes, read_questionnaire
from noise2music.evaluation.listening.serve import answers_app, serve
from noise2music.evaluation.listening.settings import ListenSettings
from tests.evaluation.listening.simulated import answered, listener
from tests.evaluation.listening.systems_on_disk import RATES, write_systems


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """`n2m listen serve` on a free port; gives the address, and ends by Ctrl-C with exit 0."""
    script = (
        f"import sys; sys.argv = ['n2m', 'listen', 'serve', {str(folder)!r}, '--port', '0']; from noise2music.flows.cli import main; main()"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        said = process.stdout.readline()
        address = re.match(r"http://127\.0\.0\.1:\d+/", said)
        assert address, said + (process.stderr.read() if process.stderr else "")
        yield address[0]
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.communicate()


def fetch(address: str, data: bytes | None = None, kind: str = "application/json", **headers: str) -> tuple[int, bytes]:
    """Status and body."""
    request = Request(address, data, {"Content-Type": kind, **headers} if data is not None else headers)
    try:
        with urlopen(request, timeout=20) as reply:
            return reply.status, reply.read()
    except HTTPError as error:
        return error.code, error.read()


def test_pages_go_out_and_answers_come_in_once(tmp_path: Path) -> None:
    write_systems(tmp_path)
    folder = tmp_path / "test"
    systems = tuple(str(tmp_path / name) for name in RATES)
    made = make_listening_test(
        ListenSettings(out=str(folder), systems=systems, ask=("quality",), sheets=2, pairs=4, repeats=1, seconds=0.5)
    )
    given = answered(read_questionnaire(str(folder / QUESTIONNAIRE)), made.key, listener(dict.fromkeys(RATES, 0.0)), 0)
    data = json_bytes(given)
    clip = next((folder / "page" / "audio").iterdir())
    with served(folder) as address:
        assert fetch(address) == (200, (folder / "page" / "index.html").read_bytes())
        assert fetch(f"{address}audio/{clip.name}", Range="bytes=0-3") == (206, b"fLaC")  # Safari plays nothing without.
        for hidden in ("key.json", "../key.json", "%2e%2e/key.json", "audio/../../key.json", "answers/", "//etc/passwd"):
            assert fetch(f"{address}{hidden}")[0] in (404, 405), hidden
        assert fetch(f"{address}answers", data) == (201, b"taken")
        assert fetch(f"{address}answers", data) == (200, b"was there already")
        (file,) = (folder / "answers").iterdir()
        assert file.read_bytes() == data
        assert re.fullmatch(r"[0-9a-f]{32}\.json", file.name)
        assert fetch(f"{address}answers", data.replace(b'"ms": 30000', b'"ms": 30001', 1))[0] == 400
        status, said = fetch(f"{address}answers", b'{"rater": "../../../x"}')
        assert (status, b"no file of answers" in said) == (400, True)
        assert fetch(f"{address}answers", b"x" * (LARGEST + 1))[0] == 413
        assert fetch(f"{address}answers", data, kind="text/plain")[0] == 415
        assert [path.name for path in (folder / "answers").iterdir()] == [file.name]


def test_a_folder_without_a_test(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no test"):
        answers_app(str(tmp_path))


def test_an_address_that_is_taken(tmp_path: Path) -> None:
    write_systems(tmp_path)
    systems = tuple(str(tmp_path / name) for name in RATES)
    make_listening_test(ListenSettings(out=str(tmp_path / "test"), systems=systems, ask=("quality",), sheets=1, pairs=3, repeats=0))
    with socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(UserError, match=f"cannot serve at 127.0.0.1, port {port}: Address already in use"):
            serve(str(tmp_path / "test"), "127.0.0.1", port, lambda _: None)
