"""The training pair of every stage, and the paper's numbers in its presets."""

from dataclasses import replace

import pytest
import torch

from noise2music.core.errors import UserError
from noise2music.core.randomness import normals, spread_uniforms, uniforms
from noise2music.models.cascade.presets import PAPER, PRESETS, Preset, stage_of
from noise2music.models.cascade.stage import STAGES, StageName
from noise2music.models.cascade.training_pairs import Pair, make_pair, true_inputs, x0_of
from noise2music.models.diffusion.schedule import diffuse

CPU = torch.device("cpu")


def pair(stage_name: StageName, preset: Preset, numbers: list[int], audio: torch.Tensor, valid: torch.Tensor) -> Pair:
    stage = replace(stage_of(preset, stage_name), seconds=0.96)

    def normal(purpose: str, shape: tuple[int, ...]) -> torch.Tensor:
        return normals(0, numbers, purpose, shape, CPU)

    return make_pair(stage, audio, valid, lambda purpose: uniforms(0, numbers, purpose), normal)


def music(batch: int) -> torch.Tensor:
    return 0.1 * torch.randn(batch, 23_040, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("name", STAGES)
def test_shapes_masks_and_levels(preset: Preset, name: StageName) -> None:
    stage = stage_of(preset, name)
    found = pair(name, preset, [3, 4], music(2), torch.tensor([23_040, 12_000]))
    positions = {"log_mel": 96, "wave": 23_040 * stage.signal.rate // 24_000}[stage.signal.domain]
    assert found.x0.shape == (2, 80 if stage.signal.domain == "log_mel" else 1, positions)
    assert found.mask[0].all()
    assert float(found.mask[1].mean()) == pytest.approx(12_000 / 23_040, abs=1 / positions)
    inputs = found.inputs
    if stage.source is None:
        assert inputs.concat_cond is inputs.local_cond is inputs.aug_log_snr is None
        return
    entered = inputs.local_cond if stage.source.enters == "local_cond" else inputs.concat_cond
    assert entered is not None
    assert entered.shape == ((2, 80, 96) if stage.source.enters == "local_cond" else found.x0.shape)
    latest = stage.schedule(torch.tensor([stage.source.t_max]))
    assert inputs.aug_log_snr is not None
    assert (inputs.aug_log_snr >= latest - 1e-4).all()


@pytest.mark.parametrize("name", STAGES)
def test_an_example_does_not_depend_on_its_batch(name: StageName) -> None:
    audio, valid = music(3), torch.full((3,), 23_040)
    together, alone = pair(name, "tiny", [7, 8, 9], audio, valid), pair(name, "tiny", [8], audio[1:2], valid[1:2])
    assert torch.allclose(together.x0[1], alone.x0[0], atol=1e-6)
    for left, right in ((together.inputs.concat_cond, alone.inputs.concat_cond), (together.inputs.local_cond, alone.inputs.local_cond)):
        assert (left is None) == (right is None)
        if left is not None and right is not None:
            assert torch.allclose(left[1], right[0], atol=1e-5)


def test_augmentation_is_noise_of_the_level_that_is_told() -> None:
    """Without blur the conditioning of super-resolution is the clean source at the level told."""
    stage = replace(stage_of("tiny", "super-resolution"), seconds=0.96)
    found = pair("super-resolution", "tiny", [1, 2], music(2), torch.full((2,), 23_040))
    clean = true_inputs(stage, music(2))
    assert found.inputs.concat_cond is not None
    assert found.inputs.aug_log_snr is not None
    assert clean.concat_cond is not None
    assert clean.aug_log_snr is not None
    noise = normals(0, [1, 2], "augmentation", tuple(clean.concat_cond.shape[1:]), CPU)
    assert torch.allclose(found.inputs.concat_cond, diffuse(clean.concat_cond, noise, found.inputs.aug_log_snr), atol=1e-5)
    assert torch.equal(clean.aug_log_snr, stage.schedule(torch.zeros(2)))


def test_the_source_is_what_the_stage_before_makes() -> None:
    for name, before in (
        ("waveform-cascader", "waveform-generator"),
        ("vocoder", "spectrogram-generator"),
        ("super-resolution", "vocoder"),
    ):
        stage, maker = stage_of("tiny", name), stage_of("tiny", before)
        assert stage.source is not None
        assert stage.source.signal == maker.signal


def test_numbers_of_tables_2_5_and_8() -> None:
    shapes = [stage.unet for stage in PAPER]
    assert [shape.width for shape in shapes] == [256, 256, 256, 128, 256]
    assert [shape.kernel for shape in shapes] == [7, 7, 9, 5, 7]
    assert [shape.strides for shape in shapes] == [(4,) * 6, (4,) * 5, (4, 3, 2, 2, 2), (2, 4, 4, 5), (4,) * 4]
    assert [shape.multipliers for shape in shapes] == [(1, 1, 2, 3, 4, 4), (1, 1, 2, 3, 4), (1, 2, 2, 3, 4), (1, 1, 2, 4), (1, 1, 2, 2)]
    assert [shape.blocks for shape in shapes] == [(3, 3, 3, 4, 4, 4), (3, 3, 4, 6, 6), (6,) * 5, (4,) * 4, (4,) * 4]
    assert [sum(shape.self_attention) for shape in shapes] == [3, 0, 2, 0, 0]
    assert [sum(shape.cross_attention) for shape in shapes] == [3, 2, 2, 0, 0]
    assert [stage.tokens for stage in PAPER] == [64, 64, 96, 0, 0]
    assert [stage.weight.kind for stage in PAPER] == ["simplified", "simplified", "sigma", "simplified", "simplified"]
    assert [stage.schedule.kind for stage in PAPER] == ["cosine"] + 4 * ["beta_linear"]
    assert [stage.sampling.guidance for stage in PAPER] == [10.0, 5.0, 5.0, 1.0, 1.0]
    assert [stage.sampling.gamma for stage in PAPER] == [0, 1, 0, 0, 0]
    assert [stage.source.t_max for stage in PAPER if stage.source] == [0.5, 1.0, 1.0]
    assert {stage.prediction for stage in PAPER} == {"eps"}


def test_the_tiny_cascade_fits_into_thirty_megabytes_in_half_precision() -> None:
    from noise2music.models.network.unet import UNet

    with torch.device("meta"):
        parameters = sum(sum(p.numel() for p in UNet(stage_of("tiny", name).unet).parameters()) for name in STAGES)
    assert 2 * parameters < 30e6


def test_loudness_is_scaled_and_nothing_else() -> None:
    stage = stage_of("tiny", "waveform-generator")
    assert torch.allclose(x0_of(stage, 2 * music(1)), 2 * x0_of(stage, music(1)))


def test_stages_that_cannot_be() -> None:
    with pytest.raises(UserError, match=r"there is no stage 'vocodr': it is one of waveform-generator, "):
        stage_of("tiny", "vocodr")
    with pytest.raises(ValueError, match="whole number of hundredths"):
        replace(stage_of("tiny", "vocoder"), seconds=1.2345)
    with pytest.raises(ValueError, match="tokens and cross-attention go together"):
        replace(stage_of("tiny", "vocoder"), tokens=5)


def test_random_numbers_are_of_seed_number_and_purpose() -> None:
    some, more = uniforms(1, [5, 6], "a"), uniforms(1, [4, 5, 6], "a")
    assert torch.equal(some, more[1:])
    assert not torch.equal(some, uniforms(1, [5, 6], "b"))
    assert not torch.equal(some, uniforms(2, [5, 6], "a"))
    assert torch.equal(normals(1, [5], "a", (3,), CPU)[0], normals(1, [9, 5], "a", (3,), CPU)[1])
    noise = normals(0, range(200), "a", (500,), CPU)
    assert float(noise.mean()) == pytest.approx(0, abs=0.01)
    assert float(noise.std()) == pytest.approx(1, abs=0.01)
    times = spread_uniforms(0, range(100, 164), "time").sort().values
    assert float(times.diff().max()) < 3 / 64
