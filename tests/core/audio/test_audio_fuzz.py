"""Damaged files of every kind: an answer within seconds, bounded memory, and every second that was found is used or dead."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from select import select
from typing import IO, Any

import pytest

FILE_SECONDS = 10
START_SECONDS = 120
MIB = 1024


class Worker:
    """A process that reads damaged files by number; started again after it had to be killed."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[str] | None = None

    def ask(self, number: int) -> dict[str, Any]:
        if self.process is None:
            root = Path(__file__).resolve().parents[3]
            command = [sys.executable, "-m", "tests.core.audio.audio_mutations"]
            pipe = subprocess.PIPE
            self.process = subprocess.Popen(
                command,
                stdin=pipe,
                stdout=pipe,
                stderr=pipe,
                text=True,
                bufsize=1,
                cwd=root,
            )
            assert self._line(START_SECONDS) == "ready\n"
        print(number, file=self.process.stdin, flush=True)
        line = self._line(FILE_SECONDS)
        if not line:
            code = self.process.poll()
            self.stop()
            return {"failed": f"no answer within {FILE_SECONDS} s" if code is None else f"the process died with {code}"}
        return dict(json.loads(line))

    def _line(self, seconds: float) -> str:
        assert self.process is not None
        out: IO[str] | None = self.process.stdout
        assert out is not None
        return out.readline() if select([out], [], [], seconds)[0] else ""

    def stop(self) -> str:
        """Stop it -> what its libraries printed."""
        if self.process is None:
            return ""
        self.process.kill()
        said = self.process.communicate()[1]
        self.process = None
        return said


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    made = Worker()
    yield made
    made.stop()


def check(worker: Worker, numbers: range) -> None:
    answers = {number: worker.ask(number) for number in numbers}
    failed = {number: answer for number, answer in answers.items() if "failed" in answer}
    assert not failed, "\n".join(f"{number}: {answer}" for number, answer in failed.items())
    assert max(answer["mib"] for answer in answers.values()) < MIB
    early = {number: answer for number, answer in answers.items() if answer.get("early")}
    assert not early, f"found lengths that decoding does not give: {early}"
    assert worker.stop() == ""


def test_damaged_files(worker: Worker) -> None:
    check(worker, range(150))


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_many_damaged_files(worker: Worker) -> None:
    check(worker, range(1000, 3000))
