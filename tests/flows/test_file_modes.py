"""Whatever is written can be read by whom the umask lets: labels, states, weights, pages and exported weights alike."""

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from noise2music.core.storage import open_store
from noise2music.flows.label import label
from noise2music.flows.tables import write_captions_table, write_labels
from noise2music.flows.train import train_stage
from noise2music.models.training.ema import export_weights
from tests.flows.music import small_settings, write_music
from tests.models.data.made_up_shards import uri_of, write_shards
from tests.models.training.small_runs import run_settings, small_stage


@pytest.fixture(params=[0o022, 0o077], ids=oct)
def umask(request: pytest.FixtureRequest) -> Iterator[int]:
    before = os.umask(request.param)
    yield request.param
    os.umask(before)


def modes(folder: Path) -> dict[str, int]:
    return {str(path.relative_to(folder)): stat.S_IMODE(path.stat().st_mode) for path in folder.rglob("*") if path.is_file()}


def test_a_training_run_and_its_weights(tmp_path: Path, umask: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noise2music.models.training.prepare.stage_of", lambda _preset, name: small_stage(name))
    shards = uri_of(write_shards(tmp_path / "shards", clips=6, seconds=0.6))
    samples, log = {"clips": 1, "steps": 1}, {"tensorboard": True}
    kept = {"every_clips": 8, "keep_every_clips": 8, "profiles": [0.1]}
    run = run_settings(shards, tmp_path / "out", samples=samples, log=log, checkpoints=kept, text={"cache": str(tmp_path / "texts")})
    trained = train_stage(run, "waveform-generator")
    export_weights(trained.folder, tmp_path / "out/weights-of-mine.safetensors", 0.1, None, "fp16")
    found = modes(tmp_path / "out") | modes(tmp_path / "texts")
    assert len(found) > 8
    assert {name: mode for name, mode in found.items() if mode != 0o666 & ~umask} == {}


def test_a_labeling_run_and_its_tables(tmp_path: Path, umask: int) -> None:
    write_music(tmp_path / "music", tracks=2)
    label(small_settings(tmp_path, parts=1))
    root = open_store(str(tmp_path / "root"))
    write_labels(root, tmp_path / "root/labels.parquet")
    write_captions_table(root, "words", tmp_path / "root/captions.csv")
    found = modes(tmp_path / "root")
    assert len(found) > 30
    assert {name: mode for name, mode in found.items() if mode != 0o666 & ~umask} == {}
