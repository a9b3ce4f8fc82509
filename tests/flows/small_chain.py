"""The whole chain at its smallest: four short tracks, one training step a stage, two clips of half a second."""

import json
from pathlib import Path
from typing import Any

from noise2music.flows.config import read_settings
from noise2music.flows.end_to_end_settings import EndToEndSettings
from tests.flows.music import small_settings, write_music


def write_chain(folder: Path, **changes: Any) -> Path:
    """Music, prompts and configuration below a folder; gives the configuration's path. `changes`: keys of the top table."""
    write_music(folder / "music", tracks=4)
    (folder / "prompts.txt").write_text("a low organ\nslow piano\n")
    label = small_settings(folder).model_dump(mode="json", exclude_none=True, exclude={"root"})
    raw = {
        "root": str(folder / "chain"),
        "label": label,
        "train": {
            "recipe": {"clips": 2, "global_batch_size": 2, "seconds": 0.1, "warmup_clips": 0, "decay_clips": 10},
            "run": {"threads": 1, "device": "cpu"},
            "validation": {"clips": 1, "levels": 1},
            "samples": {"clips": 0},
        },
        "generate": {
            "prompts": str(folder / "prompts.txt"),
            "seconds": 0.5,
            "run": {"workers": 1},
            "generation": {"route": "spectrogram", "stop_after": "vocoder", "sampling": {"steps": 2, "guidance": 1.0}},
        },
        **changes,
    }
    config = folder / "chain.toml"
    config.write_text("".join(f"{key} = {inline(value)}\n" for key, value in raw.items()))
    return config


def inline(value: Any) -> str:
    """A value as inline TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)} = {inline(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value)


def read_chain(config: Path) -> EndToEndSettings:
    """The settings of such a file."""
    return read_settings(EndToEndSettings, config)
