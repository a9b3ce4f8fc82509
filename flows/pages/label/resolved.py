"""Settings as people look at them: what every vocabulary and stage comes to, in place of what was told of all of them."""

from collections.abc import Sequence
from typing import Any

from noise2music.flows.everything_settings import EverythingSettings
from noise2music.labeling.stages.vocabulary import allowed_splits
from noise2music.models.cascade.stage import StageName
from noise2music.models.training.settings import TrainSettings
from noise2music.pipelines.settings import LabelSettings


def resolved_labels(settings: LabelSettings) -> dict[str, Any]:
    """The labels drawn from every vocabulary, and the splits that one may label where it may not label all."""
    shown = settings.as_json()
    shown["sampling"]["labels_per_clip"] = {name: settings.labels_per_clip(name) for name in settings.vocabulary}
    for name, vocabulary in settings.vocabulary.items():
        splits = allowed_splits(vocabulary)
        shown["vocabulary"][name]["allowed_splits"] = sorted(splits) if splits is not None else "all"
    return shown


def resolved_training(settings: TrainSettings, stages: Sequence[StageName]) -> dict[str, Any]:
    """The whole recipe of every stage that is trained. Raises UserError where one cannot be."""
    shown = settings.as_json()
    del shown["recipe"]
    return {**shown, "stages": {stage: settings.recipe_of(stage).as_json() for stage in stages}}


def resolved_chain(settings: EverythingSettings) -> dict[str, Any]:
    """All three, and the sampling of every stage that clips go through: None is what the stage was published with."""
    shown = settings.as_json()
    generate = shown["generate"]
    del generate["generation"]["sampling"]
    generation = settings.generate.generation
    generate["generation"]["stages"] = {stage: generation.sampling_of(stage).as_json() for stage in generation.chain}
    train = resolved_training(settings.train, settings.trained_stages)
    return {**shown, "stages": list(settings.trained_stages), "label": resolved_labels(settings.label), "train": train}
