"""VGGish and TRILL, the networks of the paper's FAD (section 5.3), from TF-Hub handles or folders of SavedModels.

TensorFlow beside torch in one process ends in a segmentation fault where torch's triton comes second, and takes seconds to import. So a
network runs in a process of its own (saved_model_process.py), which serves clips until this one ends; threads that ask at once have one
each.
"""

import hashlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
import weakref
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import IO, Literal

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.errors import UserError
from noise2music.core.tensors import hash_files

VERSION = 1
"""Raise it when an embedding changes although no file does."""

SAMPLE_RATE = 16000
LEAST_SAMPLES = 15600
"""Of one row: 96 frames of 400 samples, every 160."""


@dataclass(frozen=True)
class Known:
    """handle: the paper's. layer: which output is taken."""

    handle: str
    dimension: int
    layer: str


KNOWN = {
    "vggish": Known("https://tfhub.dev/google/vggish/1", 128, "the 128 numbers before the activation"),
    "trill": Known("https://tfhub.dev/google/nonsemantic-speech-benchmark/trill/3", 512, "embedding"),
}


def local_folder(place: str) -> Path | None:
    """Where a SavedModel lies on this machine: the folder itself, or where TF-Hub keeps a handle's; None where it is not there yet."""
    if Path(place).is_dir():
        return Path(place)
    cache = os.environ.get("TFHUB_CACHE_DIR") or os.path.join(tempfile.gettempdir(), "tfhub_modules")
    kept = Path(cache) / hub_name(place)
    return kept if kept.is_dir() else None


def hub_name(handle: str) -> str:
    """The folder's name below TFHUB_CACHE_DIR in which TF-Hub looks for a handle."""
    return hashlib.sha1(handle.encode()).hexdigest()


class SavedModel:
    """Implements evaluation.embedders.base.Embedder.

    VGGish gives a row every 0.96 s, TRILL about six a second. Nothing is padded: what does not fill a row is dropped.
    """

    sample_rate = SAMPLE_RATE
    unit: Literal["frame", "clip"] = "frame"
    min_seconds = LEAST_SAMPLES / SAMPLE_RATE

    def __init__(self, kind: str, place: str) -> None:
        self.name, self.place = kind, place
        self.dimension = KNOWN[kind].dimension
        self._idle: queue.LifoQueue[_Process] = queue.LifoQueue()
        self._naming = threading.Lock()

    def __reduce__(self) -> tuple[type["SavedModel"], tuple[str, str]]:
        return type(self), (self.name, self.place)

    @cached_property
    def identity(self) -> str:
        """Over the SavedModel's files. A handle that is not on this machine is fetched for it. Raises UserError where it cannot be had."""
        with self._naming:
            folder = local_folder(self.place)
            if folder is None and "://" not in self.place:
                raise _no_model(self.name, self.place, "there is no such folder")
            if folder is None:
                process = _Process(self.name, self.place)
                self._idle.put(process)
                folder = process.folder
            files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "fingerprint.pb")
            if not any(path.name in ("saved_model.pb", "saved_model.pbtxt") for path in files):
                raise _no_model(self.name, self.place, "it holds no saved_model.pb")
            names = "\n".join(path.relative_to(folder).as_posix() for path in files)
            return hash_files(files, f"{self.name} {VERSION} {KNOWN[self.name].layer}", names)

    def embed(self, audio: Float32s) -> Float32s:
        """(samples,) mono at 16 kHz in [-1, 1] -> (rows, dimension); no rows below `min_seconds`.

        Raises UserError where the process ends.
        """
        if len(audio) < LEAST_SAMPLES:
            return np.zeros((0, self.dimension), np.float32)
        try:
            process = self._idle.get_nowait()
        except queue.Empty:
            process = _Process(self.name, self.place)
        rows = process.embed(audio)
        self._idle.put(process)
        return rows

    def close(self) -> None:
        """End the processes; the next clip starts one again. Without it they end with this one."""
        while not self._idle.empty():
            self._idle.get_nowait().close()


def load_saved_model(kind: str, place: str = "") -> SavedModel:
    """kind: "vggish" or "trill". place: a handle or a folder, without one the paper's handle. Raises UserError where it cannot be had."""
    model = SavedModel(kind, place or KNOWN[kind].handle)
    _ = model.identity
    return model


class _Process:
    """One process with one network. folder: where its SavedModel lies. Raises UserError where the network cannot be loaded."""

    def __init__(self, kind: str, place: str) -> None:
        self._kind, self._place = kind, place
        self._said = tempfile.TemporaryFile()  # noqa: SIM115  open as long as the process
        source = str(local_folder(place) or place)
        command = [sys.executable, "-m", "noise2music.evaluation.embedders.saved_model_process", kind, source]
        quiet = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said, env=os.environ | quiet)
        weakref.finalize(self, self._process.kill)
        status, content = self._answer()
        if status == b"E":
            self.close()
            raise _no_model(kind, place, content.decode(errors="replace"))
        self.folder = Path(content.decode())

    def embed(self, audio: Float32s) -> Float32s:
        content = np.ascontiguousarray(audio, "<f4").tobytes()
        try:
            stdin = _pipe(self._process.stdin)
            stdin.write(len(content).to_bytes(8, "little") + content)
            stdin.flush()
        except OSError:
            pass  # It ended: `_answer` says so.
        status, content = self._answer()
        if status == b"E":
            raise UserError(f"{self._kind} ({self._place}) failed on {len(audio)} samples: {content.decode(errors='replace')}")
        return np.frombuffer(content, "<f4").reshape(-1, KNOWN[self._kind].dimension).astype(np.float32)

    def close(self) -> None:
        """No more clips: the process ends."""
        _pipe(self._process.stdin).close()
        self._process.wait()

    def _answer(self) -> tuple[bytes, bytes]:
        """(kind of answer, content). Raises UserError, with the last line that it said, where the process ended."""
        stdout = _pipe(self._process.stdout)
        start = stdout.read(9)
        size = int.from_bytes(start[1:], "little")
        content = stdout.read(size) if len(start) == 9 else b""
        if len(start) < 9 or len(content) < size:
            code = self._process.wait()
            self._said.seek(0)
            lines = self._said.read().decode(errors="replace").strip().splitlines() or ["it does not say why"]
            raise UserError(f"the process of {self._kind} ended with {code} ({lines[-1].strip()[:300]}). Is there enough memory?")
        return start[:1], content


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise RuntimeError("the process has no pipe")
    return stream


def _no_model(kind: str, place: str, why: str) -> UserError:
    if "://" not in place:
        advice = "Give the folder that holds saved_model.pb, or a TF-Hub handle."
        return UserError(f"{kind}={place}: there is no SavedModel of {kind} ({why.rstrip('.')}). {advice}")
    return UserError(
        f"{kind}: {place} cannot be had ({why.rstrip('.')}). Fetch it where the hub can be reached and give its folder, {kind}=FOLDER, or "
        f"set TFHUB_CACHE_DIR to a folder that holds it as {hub_name(place)}."
    )
