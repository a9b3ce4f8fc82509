"""Files of weights and states keep their keys, whatever the code calls them, and both names are read."""

import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from safetensors import safe_open

from noise2music import models
from noise2music.models.cascade.presets import PRESETS, stage_of
from noise2music.models.cascade.stage import STAGES, Sampling, Stage
from noise2music.models.cascade.weights import DataFacts, Level, WeightsHeader, read_weights_header
from noise2music.models.diffusion.steps import SigmaSpacing
from noise2music.models.training.state import StateHeader

STARTER = Path(models.__path__[0]) / "starter"
KEYS_THAT_WERE = {
    "unet": {"aligned_channels", "told_level", "reading"},
    "sampling": {"runs", "parallel", "radius", "projections"},
}
NAMES_OF_TODAY = {"concat_cond", "local_cond", "local_cond_channels", "noise_level_cond", "variant", "step_schedule", "apg_eta", "std"}


def header_of(stage: Stage) -> WeightsHeader:
    data = DataFacts(digest="0", clips=1, licences=(), vocabularies=(), level=Level(rms_dbfs=-20.0, std=0.5))
    return WeightsHeader(preset="tiny", stage=stage, text=None, data=data, clips=1, seed=0, average="none", software="test")


def holds(whole: Any, part: Any) -> bool:
    """Whether every value of `part` stands in `whole` under the same keys."""
    if isinstance(part, dict):
        return isinstance(whole, dict) and all(key in whole and holds(whole[key], value) for key, value in part.items())
    return bool(whole == part)


@pytest.mark.parametrize("path", sorted(STARTER.glob("*.safetensors")), ids=lambda path: path.stem)
def test_headers_of_shipped_weights_come_back_as_they_are(path: Path) -> None:
    with safe_open(path, "pt") as file:
        raw = json.loads(file.metadata()["noise2music"])
    assert holds(json.loads(read_weights_header(path).model_dump_json()), raw)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", STAGES)
def test_a_header_has_the_former_keys_and_is_read_as_it_was(preset: str, name: str) -> None:
    header = header_of(stage_of(preset, name))  # type: ignore[arg-type]
    text = header.model_dump_json()
    raw = json.loads(text)
    assert KEYS_THAT_WERE["unet"] <= raw["stage"]["unet"].keys()
    assert KEYS_THAT_WERE["sampling"] <= raw["stage"]["sampling"].keys()
    assert raw["data"]["level"].keys() == {"rms_dbfs", "spread"}
    assert not any(f'"{word}"' in text for word in NAMES_OF_TODAY)
    assert WeightsHeader.model_validate_json(text) == header


def test_a_header_with_the_names_of_the_code_is_read_too() -> None:
    header = header_of(stage_of("tiny", "waveform-cascader"))
    raw = json.loads(header.model_dump_json())
    raw["stage"]["unet"]["variant"] = raw["stage"]["unet"].pop("reading")
    raw["stage"]["sampling"]["step_schedule"] = raw["stage"]["sampling"].pop("runs")
    raw["stage"]["source"]["enters"] = "concat_cond"
    raw["data"]["level"]["std"] = raw["data"]["level"].pop("spread")
    assert WeightsHeader.model_validate(raw) == header


def test_a_spacing_by_noise_level_survives_a_file() -> None:
    stage = stage_of("tiny", "vocoder")
    spaced = Stage(
        **{**{field.name: getattr(stage, field.name) for field in fields(stage)}, "sampling": Sampling("heun", SigmaSpacing("karras", 9))}
    )
    text = header_of(spaced).model_dump_json()
    assert WeightsHeader.model_validate_json(text).stage == spaced
    former = WeightsHeader.model_validate_json(text.replace('"karras"', '"lambda"')).stage
    assert former.sampling.step_schedule == SigmaSpacing("log_snr", 9)


def test_the_header_of_a_state_keeps_its_keys() -> None:
    header = header_of(stage_of("tiny", "vocoder"))
    state = StateHeader(stage=header.stage, text=None, data=header.data, seed=1, global_batch_size=8)
    raw = json.loads(state.model_dump_json())
    assert raw["clips_a_step"] == 8
    assert "global_batch_size" not in raw
    assert StateHeader.model_validate(raw) == state
