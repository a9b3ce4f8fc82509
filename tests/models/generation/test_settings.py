"""What settings mean: the way through the route, and a stage's sampling."""

from typing import Any

import pytest
from pydantic import ValidationError

from noise2music.models.cascade.presets import PAPER, stage_of
from noise2music.models.diffusion.steps import SigmaSpacing, log_snrs, uniform
from noise2music.models.generation.settings import GenerationSettings, StageSampling, apply_sampling


def test_the_way_from_start_to_end() -> None:
    assert GenerationSettings().chain == ("waveform-generator", "waveform-cascader", "super-resolution")
    assert GenerationSettings(route="spectrogram", start="vocoder", stop_after="vocoder").chain == ("vocoder",)


@pytest.mark.parametrize(
    "values",
    [
        {"start": "vocoder"},
        {"start": "super-resolution", "stop_after": "waveform-generator"},
        {"route": "spectrogram", "stop_after": "waveform-cascader"},
        {"rout": "waveform"},
        {"stages": {"vocodr": {}}},
        {"sampling": {"steps": 0}},
        {"sampling": {"schedule": "paper", "steps": 5}},
        {"sampling": {"schedule": "karras"}},
        {"sampling": {"schedule": [[0.5, 3]]}},
        {"sampling": {"schedule": [[float("nan"), 3], [0.5, 2]]}},
        {"sampling": {"schedule": [[1.0, 2_000_000_000]]}},
        {"sampling": {"interval": [3, 1]}},
        {"sampling": {"interval": [float("nan"), 1]}},
        {"sampling": {"sampler": "ddpm"}},
    ],
)
def test_settings_that_cannot_be(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        GenerationSettings.model_validate(values)


def test_one_stage_changes_what_is_said_of_all() -> None:
    settings = GenerationSettings.model_validate(
        {
            "sampling": {"schedule": "karras", "steps": 20, "guidance": 4},
            "stages": {"vocoder": {"steps": 5}, "super-resolution": {"schedule": "paper"}},
        }
    )
    assert settings.sampling_of("vocoder") == StageSampling(schedule="karras", steps=5, guidance=4)
    assert settings.sampling_of("super-resolution") == StageSampling(schedule="paper", guidance=4)
    assert StageSampling(schedule="paper").changed_by(StageSampling(steps=7)) == StageSampling(steps=7)


def test_the_papers_schedule_by_name() -> None:
    for stage in PAPER:
        tiny = stage_of("tiny", stage.name)
        found = apply_sampling(tiny, StageSampling(schedule="paper")).sampling
        assert (found.step_schedule, found.sampler, found.gamma) == (stage.sampling.step_schedule, "ancestral", stage.sampling.gamma)
        assert found.guidance == tiny.sampling.guidance
    other = apply_sampling(stage_of("tiny", "vocoder"), StageSampling(schedule="paper", sampler="ddim", gamma=0.5)).sampling
    assert (other.sampler, other.gamma) == ("ddim", 0.5)


def test_everything_that_is_said_reaches_the_sampling() -> None:
    stage = stage_of("tiny", "waveform-generator")
    said = StageSampling(
        sampler="heun",
        schedule="log_snr",
        steps=9,
        guidance=2,
        interval=(-3, 3),
        rescale=0.7,
        apg_eta=0.1,
        apg_norm_threshold=2,
        percentile=0.99,
    )
    found = apply_sampling(stage, said).sampling
    assert found.step_schedule == SigmaSpacing("log_snr", 9)
    assert (found.sampler, found.guidance, found.interval, found.rescale) == ("heun", 2, (-3, 3), 0.7)
    assert (found.apg_eta, found.apg_norm_threshold, found.percentile) == (0.1, 2, 0.99)
    assert apply_sampling(stage, StageSampling()) == stage
    assert apply_sampling(stage, StageSampling(steps=6)).sampling.step_schedule == uniform(6)
    runs = apply_sampling(stage, StageSampling(schedule=((0.5, 2), (0.5, 1)))).sampling.step_schedule
    assert len(log_snrs(runs, stage.schedule)) == 4


def test_former_names_mean_the_same() -> None:
    former = GenerationSettings.model_validate(
        {"sampling": {"parallel": 0.3, "radius": 0.8}, "stages": {"super-resolution": {"projections": 2}}}
    )
    today = GenerationSettings(
        sampling=StageSampling(apg_eta=0.3, apg_norm_threshold=0.8), stages={"super-resolution": StageSampling(consistency_iters=2)}
    )
    assert former == today
    assert StageSampling.model_validate({"schedule": "lambda", "steps": 3}) == StageSampling(schedule="log_snr", steps=3)
    with pytest.raises(ValidationError, match="radius is the former name of apg_norm_threshold"):
        StageSampling.model_validate({"radius": 1, "apg_norm_threshold": 1})
