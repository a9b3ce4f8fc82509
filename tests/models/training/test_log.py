"""The log of a run: continued where it stopped, without the lines of work that was lost, and without TensorFlow."""

import subprocess
import sys
from pathlib import Path

from noise2music.models.training.log import NAME, Journal, read_journal


def test_lines_of_lost_work_are_removed(tmp_path: Path) -> None:
    journal = Journal(tmp_path, 0, tensorboard=False)
    for clips in (0, 10, 20, 30):
        journal.write("step", clips, {"loss": 1 / (1 + clips), "none": None})
    journal.write("validation", 30, {"loss": 2.0})
    journal.close()
    with (tmp_path / NAME).open("a") as file:
        file.write('{"kind": "step", "clips": 4')
    assert len(read_journal(tmp_path)) == 5
    again = Journal(tmp_path, 20, tensorboard=False)
    again.write("step", 30, {"loss": 5.0})
    again.close()
    assert [line["clips"] for line in read_journal(tmp_path, "step")] == [0, 10, 20, 30]
    assert read_journal(tmp_path, "step")[-1]["loss"] == 5.0
    assert read_journal(tmp_path, "validation") == []


def test_a_fresh_run_begins_with_an_empty_log(tmp_path: Path) -> None:
    for _ in range(2):
        journal = Journal(tmp_path, 0, tensorboard=False)
        journal.write("step", 5, {"loss": 1.0})
        journal.close()
    assert len(read_journal(tmp_path)) == 1
    assert read_journal(tmp_path / "nothing") == []


def test_tensorboard_without_tensorflow(tmp_path: Path) -> None:
    code = """
import sys
from pathlib import Path
from noise2music.models.training.log import Journal
journal = Journal(Path(sys.argv[1]), 0, tensorboard=True)
journal.write("step", 5, {"loss": 1.0})
journal.close()
assert "tensorflow" not in sys.modules
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(str(Path(sys.argv[1]) / "tensorboard"))
events.Reload()
assert [(event.step, event.value) for event in events.Scalars("step/loss")] == [(5, 1.0)]
"""
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=True)
