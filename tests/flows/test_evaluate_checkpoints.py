"""Weights that a training kept, compared by the clips that they make."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from noise2music.core.errors import UserError
from noise2music.core.tensors import read_tensors
from noise2music.evaluation.results import Row
from noise2music.flows import evaluate as evaluation_flow
from noise2music.flows.cli import n2m
from noise2music.flows.config import validate_settings
from noise2music.flows.evaluate_checkpoints import EvaluateCheckpointsSettings, choices, evaluate_checkpoints
from noise2music.flows.run import run_evaluate, run_generate
from noise2music.models.cascade.weights import read_weights_header, write_weights
from noise2music.models.training.kept_weights import kept_weights
from tests.evaluation.small_networks import load_small
from tests.evaluation.sounds import write_clips
from tests.flows.generation import write_prompts
from tests.models.generation.small_cascade import write_small_cascade

STAGE = "vocoder"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cascade whose vocoder kept the weights of 2, 4 and 6 clips beside those of 8."""
    monkeypatch.delenv("PREFECT_API_URL", raising=False)
    monkeypatch.setattr(evaluation_flow, "load_embedder", load_small)
    stage = Path(write_small_cascade(tmp_path / "cascade")) / STAGE
    newest = stage / "weights.safetensors"
    header, tensors = read_weights_header(newest), read_tensors(newest)
    for clips in (2, 4, 6):
        moment = {name: tensor * (1 + clips / 50) for name, tensor in tensors.items()}
        write_weights(stage / f"weights/clips-{clips:012d}.safetensors", moment, header.model_copy(update={"clips": clips}))
    write_clips(tmp_path / "real", 4, salt="real")
    write_prompts(tmp_path / "prompts.csv", 3)
    (tmp_path / "short.toml").write_text('name = "short"\nsample_rate = 16000\npart = "whole"\nmin_seconds = 0.3\n')
    return tmp_path


def settings(folder: Path, stage: str = STAGE, **changes: Any) -> EvaluateCheckpointsSettings:
    raw = {
        "folder": str(folder / "cascade" / stage),
        "out": str(folder / "out"),
        "generate": {
            "prompts": str(folder / "prompts.csv"),
            "seconds": 0.4,
            "run": {"device": "cpu"},
            "generation": {"route": "spectrogram", "stop_after": STAGE},
        },
        "evaluate": {
            "reference": str(folder / "real"),
            "protocol": str(folder / "short.toml"),
            "networks": ["bands"],
            "permutations": 4,
            "shown": 0,
            "run": {"cache": ""},
        },
    }
    return validate_settings(EvaluateCheckpointsSettings, raw | changes, (), "test")


def test_each_moment_is_a_system_and_a_point_in_tensorboard(folder: Path) -> None:
    what = settings(folder, every=4)
    done = evaluate_checkpoints(what, run_generate, run_evaluate)
    fad = {row.system: row for row in done.evaluated.results.rows if row.metric == "fad"}
    assert list(fad) == ["2", "4", "8"]
    assert all(row.clips == 3 for row in fad.values())
    assert len({row.value for row in fad.values()}) == 3
    (choice,) = done.choices
    assert choice.best == min((row.corrected, int(name)) for name, row in fad.items() if row.corrected is not None)[1]
    assert board(folder) == [(int(name), pytest.approx(row.corrected, rel=1e-6)) for name, row in fad.items()]
    before = {path: path.stat().st_mtime_ns for path in (folder / "out/clips").rglob("*.flac")}
    assert evaluate_checkpoints(what, run_generate, run_evaluate).choices == done.choices
    assert {path: path.stat().st_mtime_ns for path in (folder / "out/clips").rglob("*.flac")} == before
    assert len(board(folder)) == 3


def board(folder: Path) -> list[tuple[int, float]]:
    """Distances in TensorBoard, by clips seen."""
    events = EventAccumulator(str(folder / "cascade" / STAGE / "tensorboard/evaluation"))
    events.Reload()
    return [(event.step, event.value) for event in events.Scalars("fad/bands")]


def test_which_moments(folder: Path) -> None:
    stage = folder / "cascade" / STAGE
    assert list(kept_weights(stage)) == [2, 4, 6, 8]
    assert list(kept_weights(stage, 4)) == [2, 4, 8]
    assert list(kept_weights(stage, 100)) == [2, 8]
    with pytest.raises(UserError, match="holds no weights. Give the folder of one stage"):
        kept_weights(folder / "cascade")
    shutil.copy(stage / "weights/clips-000000000002.safetensors", stage / "weights/clips-000000000003.safetensors")
    with pytest.raises(UserError, match="is not of the moment that its name says"):
        kept_weights(stage)


def test_the_stage_must_be_on_the_way(folder: Path) -> None:
    what = settings(folder, "waveform-cascader")
    with pytest.raises(UserError, match=r"is of the waveform-cascader, and generation goes through spectrogram-generator, vocoder"):
        evaluate_checkpoints(what, run_generate, run_evaluate)


def test_moments_that_are_not_told_apart_are_named() -> None:
    def row(low: float, corrected: float, high: float) -> Row:
        return Row("", "bands", "fad", corrected + 1, corrected, None, low, high)

    (choice,) = choices([(1, row(5, 6, 7)), (2, row(1, 2, 3)), (3, row(2.5, 4, 5)), (4, row(1, 2, 3))])
    assert (choice.best, choice.distance, choice.like_it) == (2, 2, (3, 4))


def test_the_command(folder: Path) -> None:
    typed = ["evaluate", "--checkpoints", str(folder / "cascade" / STAGE), "--every", "100", "--reference", str(folder / "real")]
    typed += ["--prompts", str(folder / "prompts.csv"), "-o", str(folder / "out"), "--networks", "bands", "--permutations", "0"]
    typed += ["--protocol", str(folder / "short.toml"), "--set", "generate.seconds=0.4", "--set", "evaluate.run.cache=''"]
    typed += ["--set", "generate.generation={route='spectrogram', stop_after='vocoder'}", "--set", "evaluate.shown=0"]
    found = CliRunner().invoke(n2m, typed)
    assert found.exit_code == 0, found.output
    assert "Least distance by bands: " in found.stdout
    assert "give CLIPS or --checkpoints, not both" in CliRunner().invoke(n2m, ["evaluate", "x", "--checkpoints", "y"]).output
    assert "--every is of --checkpoints" in CliRunner().invoke(n2m, ["evaluate", "x", "--every", "3"]).output
