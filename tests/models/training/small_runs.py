"""Training runs of a second or two: a network of a few thousand parameters on made-up shards."""

import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from noise2music.core.tensors import read_tensors
from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.stage import Stage, StageName
from noise2music.models.network.shape import UNetShape
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.state import saved_states

SMALL: dict[str, Any] = {"channels_out": 1, "width": 8, "kernel": 3, "strides": (4, 4), "multipliers": (1, 2), "blocks": (1, 1), "heads": 2}


def small_stage(name: StageName) -> Stage:
    """A tiny stage made smaller still: a crop of 0.48 s and two depths."""
    stage = stage_of("tiny", name)
    shape = {**SMALL, "channels_in": stage.unet.channels_in, "self_attention": (False, stage.source is None), "norm": stage.unet.norm}
    if stage.signal.domain == "log_mel":
        shape |= {"channels_out": 80, "strides": (2, 2), "width": 16}
    if stage.unet.local_cond_channels:
        shape |= {"strides": (10, 16), "local_cond_channels": 80}
    if stage.unet.mask_channels:
        shape |= {"mask_channels": 2, "mask_depth": 1}
    attends = (False, bool(stage.tokens))
    text = stage.unet.text_width if stage.tokens else 0
    unet = UNetShape(**shape, cross_attention=attends, text_width=text, noise_level_cond=stage.unet.noise_level_cond)
    return replace(stage, unet=unet, seconds=0.48)


def run_settings(shards: str, out: Path, **values: Any) -> TrainSettings:
    """Settings of a run of six steps of 4 clips that saves every second one; `values` replaces whole tables."""
    raw = {
        "out": str(out),
        "data": {"shards": shards},
        "recipe": {"clips": 24, "global_batch_size": 4, "warmup_clips": 8, "decay_clips": 100, "learning_rate": 1e-2},
        "run": {"threads": 1},
        "checkpoints": {"every_clips": 8, "keep_last": 1, "profiles": [0.1]},
        "validation": {"clips": 3, "levels": 2, "every_clips": 100},
        "samples": {"clips": 0},
        "log": {"every_clips": 4, "tensorboard": False},
    }
    return TrainSettings.model_validate({**raw, **values})


def final_state(folder: Path) -> dict[str, torch.Tensor]:
    """The tensors of a run's newest state, not mapped to its file."""
    return {name: tensor.clone() for name, tensor in read_tensors(saved_states(folder / "state")[-1]).items()}


def main() -> None:
    """Run in a process of its own: python -m tests.models.training.small_runs STAGE SETTINGS-AS-JSON."""
    from noise2music.models.training import prepare
    from noise2music.models.training.trainer import train

    prepare.stage_of = lambda _preset, name: small_stage(name)  # type: ignore[assignment,misc]
    train(TrainSettings.model_validate(json.loads(sys.argv[2])), sys.argv[1])  # type: ignore[arg-type]


if __name__ == "__main__":
    main()
