"""Weights of a run as a file: the published ones in half the bytes, and averages of a width that was not kept in training."""

from pathlib import Path

import pytest
import torch

from noise2music.core.errors import UserError
from noise2music.core.tensors import read_tensors
from noise2music.models.cascade.weights import load_network, read_weights_header
from noise2music.models.training.ema import export_weights, snapshots
from noise2music.models.training.trainer import train
from tests.models.training.small_runs import run_settings

pytestmark = pytest.mark.usefixtures("small_stages")

WIDTHS = [0.1, 0.25]


@pytest.fixture
def run(shards: str, tmp_path: Path) -> Path:
    keep = {"every_clips": 8, "profiles": WIDTHS}
    recipe = {"clips": 96, "global_batch_size": 4, "warmup_clips": 8, "decay_clips": 100, "learning_rate": 1e-2}
    return train(run_settings(shards, tmp_path / "kept", checkpoints=keep, recipe=recipe), "vocoder").folder


def test_the_published_average_in_half_precision(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "half.safetensors"
    header = export_weights(run, output, precision="fp16")
    assert header == read_weights_header(output) == read_weights_header(run / "weights.safetensors")
    assert output.stat().st_size < 0.6 * (run / "weights.safetensors").stat().st_size
    full, half = read_tensors(run / "weights.safetensors"), read_tensors(output)
    assert all(torch.equal(half[name], tensor.half()) for name, tensor in full.items())
    assert next(load_network(output, header).parameters()).dtype == torch.float32


def test_a_width_that_was_kept_is_that_snapshot(run: Path, tmp_path: Path) -> None:
    for profile in snapshots(run):
        export_weights(run, tmp_path / "one.safetensors", profile.width, profile.clips)
        found = read_tensors(tmp_path / "one.safetensors")
        kept = read_tensors(run / "profiles" / f"clips-{profile.clips:012d}-width-{profile.width}.safetensors")
        assert all(torch.allclose(found[name], tensor, atol=1e-5) for name, tensor in kept.items())


def test_a_width_that_was_not_kept_is_what_training_would_have_averaged(run: Path, shards: str, tmp_path: Path) -> None:
    recipe = {"clips": 96, "global_batch_size": 4, "warmup_clips": 8, "decay_clips": 100, "learning_rate": 1e-2}
    wanted = run_settings(shards, tmp_path / "wanted", checkpoints={"every_clips": 96, "profiles": [0.15]}, recipe=recipe)
    other = train(wanted, "vocoder").folder
    header = export_weights(run, tmp_path / "made.safetensors", 0.15)
    assert header.clips == 96
    assert header.average == "power function, width 0.15, from 24 snapshots"

    def distance(left: Path, right: Path) -> float:
        one, two = read_tensors(left), read_tensors(right)
        return float(sum((one[name] - two[name]).square().sum() for name in one)) ** 0.5

    last = "clips-000000000096-width-{}.safetensors"
    truth = other / "profiles" / last.format(0.15)
    nearest = min(distance(run / "profiles" / last.format(width), truth) for width in WIDTHS)
    assert distance(tmp_path / "made.safetensors", truth) < 0.05 * nearest


def test_what_cannot_be_made(run: Path, tmp_path: Path) -> None:
    output = tmp_path / "x.safetensors"
    with pytest.raises(UserError, match="no snapshot after 9 clips; it has them after 8, 16, "):
        export_weights(run, output, 0.1, 9)
    with pytest.raises(UserError, match="give its width too"):
        export_weights(run, output, clips=8)
    with pytest.raises(UserError, match="has no snapshots of averages. Train with checkpoints.profiles"):
        export_weights(tmp_path, output, 0.1)
    with pytest.raises(UserError, match="No such file"):
        export_weights(tmp_path, output)
    assert not output.exists()
