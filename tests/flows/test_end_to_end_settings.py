"""One configuration for the chain: what is filled in, what must hang together, and what a mistake reads like."""

from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.flows.config import read_settings, validate_settings
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.flows.pages.end_to_end import address, resolved_chain
from noise2music.flows.pages.html import flatten
from noise2music.models.cascade.stage import STAGES

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
RAW = {
    "root": "runs/chain/",
    "label": {"corpus": {"audio": "music"}, "vocabulary": {"words": {"kind": "builtin"}}},
    "generate": {"prompts": "prompts.txt"},
}


def settings_of(*overrides: str) -> EndToEndSettings:
    return validate_settings(EndToEndSettings, RAW, overrides, "test")


def test_places_are_filled_in_below_the_root() -> None:
    settings = settings_of()
    assert settings.label.root == settings.train.data.shards == "runs/chain/labels"
    assert settings.train.out == settings.generate.checkpoints == "runs/chain/cascade"
    assert settings.generate.out == "runs/chain/generated"
    assert validate_settings(EndToEndSettings, settings.as_json(), (), "again") == settings


def test_a_place_of_ones_own_is_passed_on() -> None:
    settings = settings_of('label.root="s3://bucket/labels"', 'train.out="/disk/cascade"', 'train.data.shards="s3://bucket/labels/"')
    assert settings.train.data.shards == "s3://bucket/labels/"
    assert settings.generate.checkpoints == "/disk/cascade"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ('train.data.shards="elsewhere"', r"train\.data\.shards = 'elsewhere', but label\.root = 'runs/chain/labels': leave"),
        ('generate.checkpoints="other"', r"generate\.checkpoints = 'other', but train\.out = 'runs/chain/cascade'"),
        ('root="s3://bucket/chain"', r"train\.out must be a folder"),
        ('stages=["waveform-generator"]', r"generation uses waveform-cascader, super-resolution: name it in stages too"),
        ('stages=["vocodr"]', r"stages\.0 = 'vocodr'"),
        ('train.presett="tiny"', r"unknown key train\.presett; did you mean train\.preset\?"),
        ("label=3", r"label = 3"),
        ("evaluate=3", r"evaluate = 3"),
        ('evaluate.network=["yamnet"]', r"unknown key evaluate\.network; did you mean evaluate\.networks\?"),
        ('evaluate.clips=["other"]', r"evaluate\.clips names other, but generate\.out = 'runs/chain/generated': name that too"),
        ("train.data=3", r"train\.data = 3"),
    ],
)
def test_mistakes_are_one_clear_line(override: str, message: str) -> None:
    with pytest.raises(UserError, match=message) as raised:
        settings_of(override)
    assert "\n" not in str(raised.value)


def test_stages_are_those_that_generation_uses_in_the_order_of_the_cascade() -> None:
    assert settings_of().trained_stages == ("waveform-generator", "waveform-cascader", "super-resolution")
    assert settings_of('generate.generation.route="spectrogram"').trained_stages == STAGES[2:]
    assert settings_of('generate.generation.stop_after="waveform-generator"').trained_stages == STAGES[:1]
    every = list(reversed(STAGES))
    assert settings_of(f"stages={every}").trained_stages == tuple(every)


def test_evaluation_is_left_out_or_filled_in() -> None:
    settings = settings_of()
    assert settings.evaluate is None
    assert "evaluate" not in resolved_chain(settings)
    settings = settings_of("evaluate={}")
    assert settings.evaluate is not None
    assert settings.evaluate.clips == ("runs/chain/generated",)
    assert (settings.evaluate.reference, settings.evaluate.out) == ("runs/chain/labels", "runs/chain/evaluation")
    assert validate_settings(EndToEndSettings, settings.as_json(), (), "again") == settings
    settings = settings_of('evaluate={clips=["ours=runs/chain/generated/", "other=clips"], reference="real"}')
    assert dict(flatten(resolved_chain(settings)))["evaluate.reference"] == "real"


def test_a_spectrogram_cannot_be_evaluated() -> None:
    with pytest.raises(UserError, match="there is no sound to evaluate: generation stops after spectrogram-generator"):
        settings_of("evaluate={}", 'generate.generation={route="spectrogram", stop_after="spectrogram-generator"}')


def test_the_example_is_valid() -> None:
    settings = read_settings(EndToEndSettings, EXAMPLES / "everything.toml")
    assert settings.trained_stages == ("spectrogram-generator", "vocoder", "super-resolution")
    assert (EXAMPLES.parent / settings.generate.prompts).is_file()


def test_links_are_relative_between_folders_of_this_machine(tmp_path: Path) -> None:
    root = str(tmp_path / "chain")
    assert address(f"{root}/generated/index.html", root) == "generated/index.html"
    assert address(str(tmp_path / "other/page.html"), root) == "../other/page.html"
    assert address("s3://bucket/page.html", root) == "s3://bucket/page.html"
    assert address(str(tmp_path / "page.html"), "s3://bucket/chain") == (tmp_path / "page.html").as_uri()


def test_the_weights_that_ship_need_no_training_of_their_stages() -> None:
    settings = settings_of('generate.checkpoints="tiny"', 'stages=["vocoder"]')
    assert settings.uses_shipped_weights
    assert settings.trained_stages == ("vocoder",)


def test_the_page_shows_what_every_stage_and_vocabulary_comes_to() -> None:
    """It once showed 3,276,800,000 clips for a stage that was trained with 800."""
    settings = settings_of(
        "train.recipe.clips=800", "train.stages={super-resolution = {global_batch_size = 4}}", "generate.generation.sampling.steps=8"
    )
    shown = dict(flatten(resolved_chain(settings)))
    assert shown["stages"] == "waveform-generator, waveform-cascader, super-resolution"
    for stage in settings.trained_stages:
        recipe = settings.train.recipe_of(stage)
        assert shown[f"train.stages.{stage}.clips"] == "800"
        assert shown[f"train.stages.{stage}.global_batch_size"] == str(recipe.global_batch_size)
        assert shown[f"train.stages.{stage}.learning_rate"] == str(recipe.learning_rate)
        assert shown[f"generate.generation.stages.{stage}.steps"] == "8"
    assert shown["train.stages.super-resolution.global_batch_size"] == "4"
    assert not any(key.startswith("train.recipe") for key in shown)
    assert shown["label.sampling.labels_per_clip.words"] == "3"
