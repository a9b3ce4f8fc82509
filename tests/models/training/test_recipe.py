"""Recipes, the learning rate, and settings that are told wrongly."""

import pytest
from pydantic import ValidationError

from noise2music.core.errors import UserError
from noise2music.models.cascade.stage import STAGES
from noise2music.models.training.recipe import Interval, Recipe, interval, learning_rate, paper_recipe
from noise2music.models.training.settings import Data, TrainSettings


def settings(**values: object) -> TrainSettings:
    return TrainSettings.model_validate({"out": "runs/x", "data": {"shards": "labels"}, **values})


def test_the_papers_recipe() -> None:
    assert [paper_recipe(stage).clips // paper_recipe(stage).global_batch_size for stage in STAGES] == [
        1_600_000,
        460_000,
        1_800_000,
        840_000,
        270_000,
    ]
    assert paper_recipe("super-resolution").global_batch_size == 4096
    generator = paper_recipe("waveform-generator")
    assert (generator.global_batch_size, generator.learning_rate, generator.ema_decay) == (2048, 1e-4, 0.9999)
    assert (generator.beta_1, generator.beta_2, generator.weight_decay) == (0.9, 0.999, 0.0)


def test_learning_rate_warms_up_and_ends_at_nothing() -> None:
    recipe = Recipe(clips=1000, global_batch_size=10, warmup_clips=100, decay_clips=1000, learning_rate=1.0)
    rates = [learning_rate(recipe, clips) for clips in range(0, 1100, 10)]
    assert rates[:11] == sorted(rates[:11])
    assert rates[10] == 1.0
    assert rates[10:] == sorted(rates[10:], reverse=True)
    assert learning_rate(recipe, 550) == pytest.approx(0.5)
    assert rates[100:] == [pytest.approx(0)] * 10


def test_a_stage_is_told_more_than_all_stages() -> None:
    told = settings(recipe={"clips": 100, "learning_rate": 0.5}, stages={"vocoder": {"clips": 7}})
    vocoder, other = told.recipe_of("vocoder"), told.recipe_of("super-resolution")
    assert (vocoder.clips, vocoder.learning_rate) == (7, 0.5)
    assert (other.clips, other.learning_rate) == (100, 0.5)


def test_more_clips_alone_are_learnt_from_to_the_end() -> None:
    """The cosine once ended where that of the preset does, and what came after it was trained at a rate of 0."""
    recipe = settings(recipe={"clips": 90_000}).recipe_of("spectrogram-generator")
    assert recipe.decay_clips / recipe.clips == pytest.approx(1.05)
    assert learning_rate(recipe, 80_000) > 0.01 * recipe.learning_rate
    assert settings(recipe={"clips": 90_000, "decay_clips": 95_000}).recipe_of("vocoder").decay_clips == 95_000
    with pytest.raises(ValidationError, match=r"clips = 90000 goes beyond decay_clips = 80000, where the learning rate is 0"):
        settings(recipe={"clips": 90_000, "decay_clips": 80_000})


def test_a_recipe_that_cannot_be_is_said() -> None:
    told = settings(recipe={"decay_clips": 2})
    with pytest.raises(UserError, match=r"recipe of vocoder: decay_clips = 2 must be more than warmup_clips"):
        told.recipe_of("vocoder")


@pytest.mark.parametrize(
    "wrong",
    [
        {"recipe": {"clip": 3}},
        {"stages": {"vocodr": {}}},
        {"recipe": {"clips": 0}},
        {"checkpoints": {"profiles": [0.5]}},
        {"run": {"parallel": "tensor"}},
        {"preset": "huge"},
    ],
)
def test_unknown_and_impossible_settings_are_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        settings(**wrong)


def test_folders_are_one_a_stage() -> None:
    told = TrainSettings(out="runs/x", data=Data(shards="labels"))
    assert len({told.folder(stage) for stage in STAGES}) == 5


def test_due_when_a_multiple_is_passed() -> None:
    moments = [clips for clips in range(8, 100, 8) if Interval(20).is_due(clips, 8)]
    assert moments == [24, 40, 64, 80]
    assert interval(None, 100, 3) == Interval(34)
    assert interval(7, 100, 3) == Interval(7)


def test_former_names_mean_the_same() -> None:
    former = TrainSettings.model_validate(
        {
            "out": "x",
            "data": {"shards": "y"},
            "recipe": {"clips_a_step": 4, "clips_at_once": 2},
            "stages": {"vocoder": {"clips_at_once": "whole"}},
            "run": {"recompute": [0]},
        }
    )
    assert former.recipe_of("super-resolution").global_batch_size == 4
    assert (former.recipe_of("super-resolution").micro_batch_size, former.recipe_of("vocoder").micro_batch_size) == (2, None)
    assert former.run.activation_checkpointing == {0}
    assert Recipe.model_validate({"clips_a_step": 16}) == Recipe(global_batch_size=16)
