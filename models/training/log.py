"""The log of a run: JSON lines, and TensorBoard beside them. After a crash the lines of lost steps are removed."""

import json
import resource
import shutil
import sys
import types
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from noise2music.core.local_cache import whole_file
from noise2music.models.training.parallel import DistContext, all_reduce
from noise2music.models.training.plan import Cost

# Figures between two lines of the log, summed over all ranks when the line is written.


QUARTILES = 4


@dataclass(frozen=True)
class Figures:
    """Means over a window. loss_quartile_N: of clips whose time lay in that quarter of [0, 1), the first nearly clean; None without one.
    data_wait: share of the time that the loop waited for clips.
    """

    loss: float
    loss_quartile_1: float | None
    loss_quartile_2: float | None
    loss_quartile_3: float | None
    loss_quartile_4: float | None
    gradient_norm: float
    clips_per_second: float
    mfu: float
    data_wait: float
    memory_mb: float


class Window:
    """Sums since the last line: losses by quartile of time (of noise), gradient norms, seconds and seconds waited for data."""

    def __init__(self, dist: DistContext, cost: Cost, peak: float) -> None:
        self._dist, self._cost, self._peak = dist, cost, peak
        self._clear()

    def _clear(self) -> None:
        self._sums = torch.zeros(2, QUARTILES, dtype=torch.float64, device=self._dist.device)
        self.clips = 0
        self.updates = 0
        self.norms = 0.0
        self.seconds = 0.0
        self.waited = 0.0

    def add_losses(self, losses: Tensor, times: Tensor) -> None:
        """(B,) losses at times (B,) in [0, 1)."""
        quartile = (times.to(losses.device) * QUARTILES).long().clamp(0, QUARTILES - 1)
        self._sums[0].index_add_(0, quartile, losses.double())
        self._sums[1].index_add_(0, quartile, torch.ones_like(losses, dtype=torch.float64))

    def close(self) -> Figures:
        """The figures of this window, and a new one begins; every rank has to call it."""
        losses, counts = (row.tolist() for row in all_reduce(self._sums, self._dist))
        rate = self.clips / max(self.seconds, 1e-9)
        quartiles = [loss / count if count else None for loss, count in zip(losses, counts, strict=True)]
        figures = Figures(
            loss=sum(losses) / max(1.0, sum(counts)),
            loss_quartile_1=quartiles[0],
            loss_quartile_2=quartiles[1],
            loss_quartile_3=quartiles[2],
            loss_quartile_4=quartiles[3],
            gradient_norm=self.norms / max(1, self.updates),
            clips_per_second=rate,
            mfu=rate * self._cost.flops / (self._peak * self._dist.world),
            data_wait=self.waited / max(self.seconds, 1e-9),
            memory_mb=_memory(self._dist.device) / 2**20,
        )
        self._clear()
        return figures


def _memory(device: torch.device) -> int:
    """Peak memory of this process so far, in bytes: on the GPU where there is one, otherwise in all."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


NAME = "log.jsonl"


class Journal:
    """The log of one stage's run in `folder`, continued at `clips`. Lines of an earlier process for later clips are removed."""

    def __init__(self, folder: Path, clips: int, tensorboard: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / NAME
        earlier = [line for line in read_journal(folder) if line["clips"] <= clips] if clips else []
        self.begun = any(line["kind"] == "start" for line in earlier)
        """Whether an earlier process wrote the head of the log, and it is still there."""
        with whole_file(path) as aside:
            aside.write_text("".join(_line(entry) for entry in earlier), encoding="utf-8")
        self._file = path.open("a", encoding="utf-8")
        self._board = _open_board(folder / "tensorboard", clips) if tensorboard else None

    def write(self, kind: str, clips: int, values: Mapping[str, Any]) -> None:
        """One line: its kind, the clips seen, and the values. Numbers go to TensorBoard too, as KIND/NAME over clips."""
        self._file.write(_line({"kind": kind, "clips": clips, **values}))
        self._file.flush()
        if self._board is not None:
            for name, value in values.items():
                if isinstance(value, (int, float)):
                    self._board.add_scalar(f"{kind}/{name}", value, clips)
            self._board.flush()

    def close(self) -> None:
        """Finish both files."""
        self._file.close()
        if self._board is not None:
            self._board.close()


def read_journal(folder: Path, kind: str | None = None) -> list[dict[str, Any]]:
    """The lines of a run's log, of one kind or all; a torn last line is left out, and a run that has none gives none."""
    path = folder / NAME
    return parse_journal(path.read_text(encoding="utf-8") if path.is_file() else "", kind)


def parse_journal(text: str, kind: str | None = None) -> list[dict[str, Any]]:
    """The lines of a log's text, as `read_journal` gives them."""
    entries = []
    for line in text.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if kind is None or entry["kind"] == kind:
            entries.append(entry)
    return entries


def write_scalars(folder: Path, name: str, scalars: Sequence[tuple[str, float, int]]) -> None:
    """(name, value, clips) as a TensorBoard run of its own, folder/tensorboard/NAME, in place of what it held before."""
    place = folder / "tensorboard" / name
    shutil.rmtree(place, ignore_errors=True)
    board = _open_board(place, 0)
    for called, value, clips in scalars:
        board.add_scalar(called, value, clips)
    board.close()


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _open_board(folder: Path, clips: int) -> Any:
    """TensorBoard's writer, without TensorFlow: the module `tensorboard.compat.notf` tells it to use its own file functions."""
    sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("tensorboard.compat.notf"))
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=clips or None)
