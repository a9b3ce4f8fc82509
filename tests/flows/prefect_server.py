"""A real Prefect server in a folder of its own, and questions to it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

STARTS_WITHIN = 480
TRIES = 20


class Server:
    """A running server: the environment of its clients, and questions to its REST interface."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.api = f"http://127.0.0.1:{self.port}/api"
        ours = {
            "PREFECT_HOME": str(home),
            "PREFECT_API_URL": self.api,
            "PREFECT_SERVER_UI_API_URL": self.api,
            "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
            "DO_NOT_TRACK": "1",
        }
        self.environment = {key: value for key, value in os.environ.items() if not key.startswith("PREFECT_")} | ours

    def ask(self, kind: str, **body: Any) -> list[dict[str, Any]]:
        """Everything of one kind that the server knows, oldest first where it has an order."""
        found: list[dict[str, Any]] = self.post(f"{kind}/filter", {"limit": 200, **body})
        return found

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Its answer; asked again while the server says that it is busy."""
        request = urllib.request.Request(f"{self.api}/{path}", json.dumps(body).encode(), {"content-type": "application/json"})
        left = TRIES
        while True:
            try:
                with urllib.request.urlopen(request, timeout=120) as answer:
                    return json.load(answer)
            except urllib.error.HTTPError as error:
                left -= 1
                if error.code != 503 or not left:
                    raise
                time.sleep(1)

    def runs(self, name: str) -> list[dict[str, Any]]:
        """Flow runs of that name."""
        return self.ask("flow_runs", flow_runs={"name": {"any_": [name]}}, sort="START_TIME_ASC")

    def tasks(self, run: dict[str, Any]) -> list[dict[str, Any]]:
        """Task runs of a flow run. Their states arrive as events, a moment after the flow has ended."""
        for _ in range(60):
            found = self.ask("task_runs", flow_runs={"id": {"any_": [run["id"]]}})
            if found and all(task["state_type"] in ("COMPLETED", "FAILED") for task in found):
                break
            time.sleep(0.5)
        return found

    def n2m(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return self.python("-m", "noise2music.flows.cli", *arguments)

    def python(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False, env=self.environment)

    def is_up(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.api}/health", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@contextmanager
def running_server(home: Path) -> Iterator[Server]:
    """Started in a folder, and stopped in the end. Raises RuntimeError with its log when it does not start."""
    started = Server(home)
    with (home / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "prefect", "server", "start", "--host", "127.0.0.1", "--port", str(started.port)],
            env=started.environment,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + STARTS_WITHIN
        while not started.is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError("the Prefect server did not start:\n" + (home / "server.log").read_text()[-3000:])
            time.sleep(1)
        yield started
    finally:
        end(process)


def end(process: "subprocess.Popen[bytes]") -> None:
    """Stop a process that leads a session of its own, and what it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
