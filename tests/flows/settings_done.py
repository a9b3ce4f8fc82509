"""What settings do, as text: not whether two are equal, but what recipe, labels and sampling come of them. And where they travel to."""

import importlib
import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from noise2music.core.errors import UserError
from noise2music.core.settings import Settings
from noise2music.evaluation.ablation.settings import AblateSettings
from noise2music.evaluation.settings import EvaluateSettings
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.flows.pages.label.stage import resolved_labels
from noise2music.flows.train_parallel import Order
from noise2music.labeling.stages.vocabulary import allowed_splits
from noise2music.models.cascade.stage import STAGES
from noise2music.models.generation.settings import GenerationSettings, StageSampling
from noise2music.models.job.settings import GenerateSettings
from noise2music.models.training.recipe import RecipeChanges, recipe_of
from noise2music.models.training.settings import TrainSettings
from noise2music.pipelines.settings import LabelSettings

PROJECT = Path(__file__).resolve().parents[2]
PRESETS = ("paper", "fast", "tiny")
KINDS: tuple[type[Settings], ...] = (LabelSettings, TrainSettings, GenerateSettings, EndToEndSettings)


def done(settings: Any) -> str:
    """All that a run takes from settings, each field read as a run reads it."""
    return "\n".join(f"{name} = {value}" for name, value in sorted(_done(settings)))


def _done(settings: Settings) -> Iterator[tuple[str, str]]:
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, Settings):
            yield from ((f"{name}.{inner}", text) for inner, text in _done(value))
        elif isinstance(value, frozenset):
            yield name, repr(sorted(value))
        elif not isinstance(value, dict):
            yield name, repr(value)
        else:
            for key, item in value.items():
                yield from (
                    ((f"{name}.{key}.{inner}", text) for inner, text in _done(item))
                    if isinstance(item, Settings)
                    else [(f"{name}.{key}", repr(item))]
                )
    if isinstance(settings, TrainSettings):
        yield from ((f"-> recipe of {stage}", _recipe(settings, stage)) for stage in STAGES)
    if isinstance(settings, RecipeChanges):
        for preset in PRESETS:
            yield f"-> vocoder of {preset}", _tried(lambda preset=preset: recipe_of(preset, "vocoder").changed_by(settings))
    if isinstance(settings, LabelSettings):
        yield "-> labels", json.dumps({name: settings.labels_per_clip(name) for name in settings.vocabulary})
        yield "-> splits", repr({name: sorted(allowed_splits(item) or "all") for name, item in settings.vocabulary.items()})
        yield "-> shown", json.dumps(resolved_labels(settings))
    if isinstance(settings, GenerationSettings):
        yield from ((f"-> sampling of {stage}", _tried(lambda stage=stage: settings.sampling_of(stage))) for stage in settings.chain)
    if isinstance(settings, StageSampling):
        yield "-> changes the paper's", _tried(lambda: StageSampling(schedule="paper", guidance=3.0).changed_by(settings))
        yield "-> with 7 steps", _tried(lambda: settings.changed_by(StageSampling(steps=7)))
    if isinstance(settings, EndToEndSettings):
        yield "-> trains", repr(settings.trained_stages)


def _recipe(settings: TrainSettings, stage: Any) -> str:
    return _tried(lambda: settings.recipe_of(stage))


def _tried(find: Any) -> str:
    try:
        return repr(find())
    except (UserError, ValueError) as error:
        return str(error)


def class_of(name: str) -> type[Settings]:
    """A class by "module:name"."""
    module, _, attribute = name.partition(":")
    found: type[Settings] = getattr(importlib.import_module(module), attribute)
    return found


def name_of(kind: type[Settings]) -> str:
    return f"{kind.__module__}:{kind.__qualname__}"


def known_settings() -> dict[str, Settings]:
    """Every preset, as it is and changed, and every example file, by name."""
    changed = {
        "recipe": {"clips": 9_000, "seconds": 0.5, "micro_batch_size": 2},
        "stages": {"vocoder": {"learning_rate": 0.002, "seconds": "stage"}, "super-resolution": {"clips": 77, "micro_batch_size": "whole"}},
    }
    found: dict[str, Settings] = {}
    for preset in PRESETS:
        for said, more in (("as it is", {}), ("changed", changed)):
            raw = {"out": "out", "data": {"shards": "labels"}, "preset": preset, **more}
            found[f"{preset} {said}"] = TrainSettings.model_validate(raw)
            found[f"{preset} {said}, ordered"] = Order(settings=TrainSettings.model_validate(raw), stage="vocoder")
    interval = {"sampling": {"interval": [float("-inf"), 2.0], "steps": 3}, "stages": {"vocoder": {"schedule": [[0.5, 3], [0.5, 7]]}}}
    found["an infinite interval"] = GenerateSettings.model_validate(
        {"prompts": "{{ prompts }}.txt", "checkpoints": "tiny", "out": 'o"ut', "generation": {"route": "spectrogram", **interval}}
    )
    for path in sorted((PROJECT / "examples").glob("*.toml")):
        raw = tomllib.loads(path.read_text())
        if path.name == "demo_cascade.toml":
            raw |= {"root": "runs/demo", "label": {"corpus": {"audio": "music"}, "vocabulary": {"tags": {"kind": "builtin"}}}}
        found[path.name] = _kind_of(raw).model_validate(raw)
    return found


def _kind_of(raw: dict[str, Any]) -> type[Settings]:
    if "label" in raw:
        return EndToEndSettings
    if "corpus" in raw:
        return LabelSettings
    if "sweeps" in raw:
        return AblateSettings
    if "reference" in raw:
        return EvaluateSettings
    return GenerateSettings if "prompts" in raw else TrainSettings


def main() -> None:
    """In a process of its own: lines of {"kind", "settings"} in, lines of what is done there out."""
    for line in sys.stdin:
        told = json.loads(line)
        print(json.dumps(done(class_of(told["kind"]).model_validate_json(told["settings"]))))


if __name__ == "__main__":
    main()
