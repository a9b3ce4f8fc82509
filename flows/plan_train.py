"""What training will take, before it starts: every stage of a preset, or of a run's configuration."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from noise2music.core.errors import UserError
from noise2music.flows.config import read_settings
from noise2music.models.cascade.presets import Preset, stage_of
from noise2music.models.cascade.stage import STAGES
from noise2music.models.training.plan import PEAKS, Device, plan_stage
from noise2music.models.training.recipe import recipe_of
from noise2music.models.training.settings import TrainSettings

MEMORY_GB = {"H100": 80, "H200": 141, "H800": 80, "A100": 80, "L40S": 48, "L4": 24, "4090": 24}


def plan_training(preset: str | None, config: Path | None, overrides: Sequence[str], gpu: str, mfu: float) -> dict[str, Any]:
    """{"gpu", "assumed_mfu", "stages": [one table a stage]}. Raises UserError for a GPU that is not known."""
    if gpu not in PEAKS:
        raise UserError(f"there are no figures for a GPU {gpu!r}; there are for {', '.join(PEAKS)}.")
    if preset is not None and config is not None:
        raise UserError("give --preset or -c FILE, not both.")
    device = Device(gpu, PEAKS[gpu], MEMORY_GB[gpu] * 1e9, mfu)
    settings = read_settings(TrainSettings, config, overrides) if config else None
    chosen = settings.preset if settings else cast(Preset, preset or "tiny")
    plans = [
        plan_stage(stage_of(chosen, stage), settings.recipe_of(stage) if settings else recipe_of(chosen, stage), device) for stage in STAGES
    ]
    return {"preset": chosen, "gpu": gpu, "assumed_mfu": mfu, "stages": [asdict(plan) for plan in plans]}
