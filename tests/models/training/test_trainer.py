"""The loop: what it learns is independent of how it is spread, and what goes wrong is said."""

import math
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from noise2music.core.errors import UserError
from noise2music.models.cascade.stage import STAGES, StageName
from noise2music.models.cascade.weights import load_network, read_weights_header
from noise2music.models.training import trainer
from noise2music.models.training.log import read_journal
from noise2music.models.training.trainer import train
from tests.models.data.made_up_shards import uri_of, write_shards
from tests.models.training.small_runs import final_state, run_settings

pytestmark = pytest.mark.usefixtures("small_stages")


def losses(folder: Path) -> list[float]:
    return [line["loss"] for line in read_journal(folder, "step")]


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_trains_and_publishes_weights(shards: str, tmp_path: Path, stage: StageName) -> None:
    samples = {"clips": 2, "steps": 2, "every_clips": 100, "prompts": ["a low organ"]}
    trained = train(run_settings(shards, tmp_path, samples=samples), stage)
    assert (trained.clips, trained.finished) == (24, True)
    header = read_weights_header(trained.weights, stage)
    assert (header.clips, header.preset, header.data.clips) == (24, "tiny", 20)
    assert header.data.licences == ("CC0 1.0", "unknown")
    assert header.data.vocabularies == ("llm_long", "rater_short")
    assert -30 < header.data.level.rms_dbfs < -5
    assert (header.text is None) == (header.stage.tokens == 0)
    network = load_network(trained.weights, header)
    state = final_state(trained.folder)
    assert all(torch.equal(value, state[f"ema.{name}"]) for name, value in network.named_parameters())
    made = [path.name for path in (trained.folder / "samples" / "clips-000000000024").iterdir()]
    with_audio = header.stage.signal.domain == "wave"
    assert len([name for name in made if name.endswith(".png")]) == (3 if header.stage.source is None else 2)
    assert len([name for name in made if name.endswith(".flac")]) == with_audio * (3 if header.stage.source is None else 2)
    assert all(math.isfinite(loss) for loss in losses(trained.folder))


def test_accumulation_changes_nothing(shards: str, tmp_path: Path) -> None:
    recipe = {"clips": 24, "global_batch_size": 4, "warmup_clips": 8, "decay_clips": 100, "learning_rate": 1e-3}
    train(run_settings(shards, tmp_path / "whole", recipe=recipe), "waveform-generator")
    train(run_settings(shards, tmp_path / "parts", recipe={**recipe, "micro_batch_size": 1}), "waveform-generator")
    whole, parts = (tmp_path / name / "waveform-generator" for name in ("whole", "parts"))
    assert losses(parts) == pytest.approx(losses(whole), abs=1e-5)
    left, right = final_state(whole), final_state(parts)
    assert all(torch.allclose(left[name], right[name], atol=1e-4) for name in left if name.startswith("ema."))


def test_recomputed_activations_change_nothing(shards: str, tmp_path: Path) -> None:
    train(run_settings(shards, tmp_path / "kept"), "vocoder")
    train(run_settings(shards, tmp_path / "again", run={"threads": 1, "activation_checkpointing": [0, 1]}), "vocoder")
    assert losses(tmp_path / "again" / "vocoder") == losses(tmp_path / "kept" / "vocoder")


@pytest.mark.parametrize("parallel", ["ddp", "fsdp"])
def test_two_ranks_learn_what_one_learns(shards: str, tmp_path: Path, parallel: str) -> None:
    recipe = {"clips": 24, "global_batch_size": 4, "warmup_clips": 8, "decay_clips": 100, "learning_rate": 1e-3}
    one, two = (run_settings(shards, tmp_path / name, recipe=recipe, run={"threads": 1, "parallel": parallel}) for name in ("one", "two"))
    train(one, "waveform-generator")
    arguments = ["tests.models.training.small_runs", "waveform-generator", two.model_dump_json(exclude_unset=True)]
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == 0, done.stderr[-3000:]
    single, double = (tmp_path / name / "waveform-generator" for name in ("one", "two"))
    assert losses(double) == pytest.approx(losses(single), abs=1e-5)
    header = read_weights_header(double / "weights.safetensors", "waveform-generator")
    found, wanted = load_network(double / "weights.safetensors", header), final_state(single)
    assert all(torch.allclose(value, wanted[f"ema.{name}"], atol=1e-4) for name, value in found.named_parameters())
    longer = {**recipe, "clips": 32}
    gone_on = train(run_settings(shards, tmp_path / "two", recipe=longer), "waveform-generator")
    assert (gone_on.clips, len(losses(double))) == (32, 8)


def test_losses_that_are_no_numbers_are_skipped_then_named(shards: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = trainer.training_losses
    bad_steps: set[int] = set()

    def spoiled(stage, network, batch, seed, precision):  # type: ignore[no-untyped-def]
        found, times = own(stage, network, batch, seed, precision)
        return (found * math.nan if batch.numbers[0] // 4 in bad_steps else found), times

    monkeypatch.setattr(trainer, "training_losses", spoiled)
    bad_steps.update({1, 3})
    trained = train(run_settings(shards, tmp_path / "few", run={"threads": 1, "skips": 1}), "vocoder")
    assert all(torch.isfinite(tensor).all() for tensor in final_state(trained.folder).values())
    skips = read_journal(trained.folder, "skip")
    assert [line["clips"] for line in skips] == [8, 16]
    assert all(len(line["clip_ids"]) == 4 for line in skips)
    bad_steps.update(range(100))
    with pytest.raises(UserError, match=r"no finite number in 3 steps in a row, the last with the clips [0-9a-f]{16}, "):
        train(run_settings(shards, tmp_path / "many", run={"threads": 1, "skips": 2}), "vocoder")


def test_a_full_disk_leaves_the_last_good_state(shards: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(run_settings(shards, tmp_path), "vocoder")
    folder = tmp_path / "vocoder"
    wanted = final_state(folder)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("noise2music.core.tensors.save_file", full)
    recipe = {"clips": 48, "global_batch_size": 4, "warmup_clips": 8, "decay_clips": 100, "learning_rate": 1e-2}
    with pytest.raises(UserError, match=r"cannot write .*No space left on device.*What was saved before is whole"):
        train(run_settings(shards, tmp_path, recipe=recipe), "vocoder")
    found = final_state(folder)
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)


def test_clips_without_text_and_short_ones_train(tmp_path: Path) -> None:
    nothing = {"labels": [], "title": None, "tags": []}
    shards = uri_of(write_shards(tmp_path / "shards", clips=12, seconds=0.2, change=dict.fromkeys(range(12), nothing)))
    trained = train(run_settings(shards, tmp_path / "out"), "waveform-generator")
    assert read_journal(trained.folder, "step")[-1]["clips_without_text"] >= 24


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"recipe": {"clips": 8, "seconds": 0.123}}, r"seconds must be a whole number of hundredths"),
        ({"run": {"activation_checkpointing": [7]}}, r"run\.activation_checkpointing = \[7\]: the vocoder has the depths 0 to 1"),
        ({"data": {"shards": "no/such/folder"}}, r"there is no folder no/such/folder"),
    ],
)
def test_wrong_settings_are_said(shards: str, tmp_path: Path, values: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        train(run_settings(shards, tmp_path, **values), "vocoder")


def test_weights_of_another_stage_are_refused(shards: str, tmp_path: Path) -> None:
    trained = train(run_settings(shards, tmp_path), "vocoder")
    with pytest.raises(UserError, match=r"holds the weights of the vocoder, not of the super-resolution"):
        read_weights_header(trained.weights, "super-resolution")
