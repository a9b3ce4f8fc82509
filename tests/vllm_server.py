"""vLLM as a process, serving the starter writer: for the optional tests and for benchmarks/write.py.

vLLM lives in an environment of its own (docs/llm.md); `python` is that environment's interpreter.
"""

import os
import signal
import socket
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from noise2music.labeling.writer.local import STARTER, starter_folder

START_SECONDS = 600.0
_OFFLINE = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "DO_NOT_TRACK": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}


def free_port() -> int:
    """A port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(python: str, port: int, log: Path) -> "subprocess.Popen[bytes]":
    """Start vLLM on the CPU, in a process group of its own; it answers some minutes later."""
    command = [python, "-m", "vllm.entrypoints.openai.api_server", "--model", str(starter_folder()), "--served-model-name", STARTER]
    command += ["--host", "127.0.0.1", "--port", str(port), "--dtype", "float32", "--enforce-eager"]
    environment = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"} | _OFFLINE
    with log.open("ab") as output:
        return subprocess.Popen(command, env=environment, cwd=log.parent, stdout=output, stderr=output, start_new_session=True)


def wait_until_ready(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    """Raises RuntimeError when the server ends or does not answer in time."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"vLLM ended with {process.returncode}; see {log}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=5):
                return
        except OSError:
            time.sleep(1)
    raise RuntimeError(f"vLLM did not answer within {START_SECONDS:.0f} s; see {log}")


def stop(process: "subprocess.Popen[bytes]") -> None:
    """End the server and everything it started."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def serving(python: str, folder: Path) -> Iterator[str]:
    """The url of a vLLM that serves the starter for as long as the context lasts."""
    port, log = free_port(), folder / "vllm.log"
    process = start(python, port, log)
    try:
        wait_until_ready(process, port, log)
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        stop(process)
