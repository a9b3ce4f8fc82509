"""The notebooks of examples/, run cell by cell as a notebook does: what a cell ends with is shown, players as pages of HTML."""

import ast
import base64
import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

PROJECT = Path(__file__).resolve().parents[1]
PLAYER = re.compile(r'<audio controls src="data:audio/wav;base64,([^"]+)"></audio>')
FEWER = ', vocabulary={"tags": {"kind": "builtin-tags"}}, sampling__draw={"tags": 6})'
"""Half a minute goes into the embedding of thousands of sentences: what the normal run labels with besides."""


def run_notebook(name: str, change: Callable[[str], str] = lambda text: text) -> tuple[list[str], dict[str, Any]]:
    """Run all code cells, each after `change`. Gives what was shown, as HTML where it has that, and the names that are left."""
    cells = json.loads((PROJECT / f"examples/{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    assert len({cell["id"] for cell in cells}) == len(cells)
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in code), "the notebook has outputs"
    shown: list[str] = []

    def display(value: object) -> None:
        if value is not None:
            shown.append(value._repr_html_() if hasattr(value, "_repr_html_") else repr(value))

    names: dict[str, Any] = {"display": display}
    for cell in code:
        tree = ast.parse(change("".join(cell["source"])))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        exec(compile(tree, name, "exec"), names)
        if isinstance(last, ast.Expr):
            display(eval(compile(ast.Expression(last.value), name, "eval"), names))
    return shown, names


def check_labels(shown: list[str], names: dict[str, Any], printed: str, pieces: int) -> None:
    """What the notebook that labels leaves: music, labels, a report, a table."""
    assert len(list(Path("music").glob("*.flac"))) == pieces
    assert len(names["labels"]) == pieces
    assert all(clip["labels"] for clip in names["labels"])
    assert shown[0] == repr(names["labels"])
    assert names["scores"].shape == (pieces, 4)
    assert len(re.findall(r"^piece-.*\.flac \{'piano': -?\d\.\d{1,3}, ", printed, re.M)) == pieces
    assert Path(names["labels"].report).read_text(encoding="utf-8").lower().startswith("<!doctype html")
    assert len(Path("labels.csv").read_text(encoding="utf-8").splitlines()) > pieces


def test_the_notebook_that_labels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """All cells, the rendering too, with three pieces and the built-in tags."""

    def smaller(text: str) -> str:
        return text.replace("PIECES = 10", "PIECES = 3").replace('root="runs/music")', f'root="runs/music"{FEWER}')

    monkeypatch.chdir(tmp_path)
    shown, names = run_notebook("label", smaller)
    check_labels(shown, names, capsys.readouterr().out, 3)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_notebook_that_labels_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    shown, names = run_notebook("label")
    check_labels(shown, names, capsys.readouterr().out, 10)


def test_the_notebook_that_makes_music(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shorter clips, in three steps."""

    def shorter(text: str) -> str:
        return text.replace("SECONDS = 5", "SECONDS = 0.2").replace(", steps=8", "").replace("seed=0", "seed=0, steps=3")

    monkeypatch.chdir(tmp_path)
    shown, names = run_notebook("generate", shorter)
    check_music(shown, names, 0.2)


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_the_notebook_that_makes_music_as_it_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shown, names = run_notebook("generate")
    check_music(shown, names, 5)


def check_music(shown: list[str], names: dict[str, Any], seconds: float) -> None:
    """What the notebook that makes music shows: the cascade, then nine players, all of other audio; the last clip is in a file too."""
    assert shown[0].startswith("LoadedCascade(spectrogram-generator -> vocoder -> super-resolution, 24000 Hz")
    clips = []
    for page in shown[1:]:
        (data,) = PLAYER.findall(page)
        audio, rate = soundfile.read(io.BytesIO(base64.b64decode(data)), dtype="int16")
        assert (len(audio), rate) == (seconds * 24_000, 24_000)
        assert np.abs(audio).max() > 100
        assert re.search(r"<b>(calm piano|techno with drums)</b> \(seed 0, [\d.]+ s\)", page)
        clips.append(audio.tobytes())
    assert len(clips) == 9
    assert len(set(clips)) >= 8  # The default sampler may be one of the four.
    saved, _ = soundfile.read("calm-waveform.wav", dtype="int16")
    assert saved.tobytes() == clips[-1]
    assert names["clip"].sample_rate == 24_000
