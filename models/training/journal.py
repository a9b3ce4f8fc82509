"""What a run says of itself: JSON lines, and TensorBoard beside them. Lines of work that was lost in a crash are taken out again."""

import json
import os
import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

NAME = "log.jsonl"


class Journal:
    """The log of one stage's run in `folder`, continued at `clips`; what an earlier process wrote for later clips is removed."""

    def __init__(self, folder: Path, clips: int, tensorboard: bool) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / NAME
        kept = [line for line in read_journal(folder) if line["clips"] <= clips] if clips else []
        self.begun = any(line["kind"] == "start" for line in kept)
        """Whether an earlier process wrote the head of the log, and it is still there."""
        aside = path.with_suffix(".partial")
        aside.write_text("".join(_line(entry) for entry in kept), encoding="utf-8")
        os.replace(aside, path)
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
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if kind is None or entry["kind"] == kind:
            entries.append(entry)
    return entries


def _line(entry: Mapping[str, Any]) -> str:
    return json.dumps(entry, ensure_ascii=False) + "\n"


def _open_board(folder: Path, clips: int) -> Any:
    """TensorBoard's writer, without TensorFlow: the module `tensorboard.compat.notf` tells it to use its own file functions."""
    sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("tensorboard.compat.notf"))
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder), purge_step=clips or None)
