"""What a stage made agrees with what it was made from."""

from dataclasses import replace

import pytest
import torch

from noise2music.core.randomness import normals
from noise2music.models.cascade.consistency import SHARED_FRAMES, WINDOW_FRAMES, data_consistency
from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.stage import CORPUS_RATE, Stage
from noise2music.models.cascade.training_pairs import in_full_scale, true_inputs, x0_of
from noise2music.models.cascade.windows import windows
from noise2music.models.signal.inpainting import Inpainting
from noise2music.models.signal.log_mel import LOG_MEL
from noise2music.models.signal.resample import downsample
from noise2music.synth.render import render_piece
from tests.models.data.made_up_shards import tone


def made(stage: Stage, audio: torch.Tensor) -> torch.Tensor:
    """The true signal under noise at -20 dBFS."""
    x0 = x0_of(stage, audio)
    return x0 + normals(1, [1], "hiss", tuple(x0.shape[1:]), torch.device("cpu")) * 0.1


@pytest.mark.parametrize("name", ["waveform-cascader", "super-resolution"])
def test_the_band_of_the_source_is_taken_over(name: str) -> None:
    stage = stage_of("tiny", name)
    assert stage.source is not None
    audio = torch.from_numpy(tone(3, 1.0))[None]
    hissing = made(stage, audio)
    found = data_consistency(stage, hissing, true_inputs(stage, audio))

    def low(x0: torch.Tensor) -> torch.Tensor:
        assert stage.source is not None
        return downsample(in_full_scale(stage, x0)[:, 0], stage.signal.rate, stage.source.signal.rate)[:, 100:-100]

    wanted = downsample(audio, CORPUS_RATE, stage.source.signal.rate)[:, 100:-100]
    before, after = (float((low(x0) - wanted).square().mean()) for x0 in (hissing, found))
    assert after < 0.05 * before
    power = torch.fft.rfft(in_full_scale(stage, found) - in_full_scale(stage, hissing)).abs().square()[0, 0]
    first = round(1.1 * len(power) * stage.source.signal.rate / stage.signal.rate)
    assert float(power[first:].sum()) < 1e-3 * float(power.sum())


def test_a_vocoder_comes_nearer_to_its_spectrogram() -> None:
    stage = stage_of("tiny", "vocoder")
    audio = torch.from_numpy(tone(3, 1.0))[None]
    inputs = true_inputs(stage, audio)
    assert inputs.local_cond is not None

    def away(x0: torch.Tensor) -> float:
        return float((LOG_MEL(in_full_scale(stage, x0)[:, 0]) - inputs.local_cond).abs().mean())

    hissing = made(stage, audio)
    assert away(data_consistency(stage, hissing, inputs)) < 0.3 * away(hissing)


def test_what_is_known_stays_and_what_is_drawn_goes_on_from_it() -> None:
    """Half of a true piece is kept. Its joint with a hissing rest jumps less than where it is put in afterwards."""
    stage = stage_of("tiny", "vocoder")
    jumps, usual, cut = [], [], []
    for seed in range(6):
        audio = torch.from_numpy(render_piece(seed, 0, 3.0).audio[: 3 * CORPUS_RATE])[None]
        true, inputs = x0_of(stage, audio), true_inputs(stage, audio)
        joint = true.shape[-1] // 2
        weight = torch.zeros(1, 1, true.shape[-1])
        weight[..., :joint] = 1.0
        # The rest begins in other phases, as what a network makes does.
        hissing = made(stage, audio.roll(997, -1))
        found = data_consistency(stage, hissing, inputs, Inpainting(true, weight))
        assert torch.equal(found[..., :joint], true[..., :joint])
        assert not torch.equal(found[..., joint:], hissing[..., joint:])
        apart = data_consistency(stage, hissing, inputs)
        jumps.append(float((found[..., joint] - found[..., joint - 1]).abs().square().sum()))
        usual.append(float(found.diff().square().mean()))
        cut.append(float((apart[..., joint] - true[..., joint - 1]).abs().square().sum()))
    print(f"squared jumps at the joint {sum(jumps):.3f}, inside {sum(usual):.3f}, where the known part is put in afterwards {sum(cut):.3f}")
    assert sum(jumps) < 0.5 * sum(cut)


@pytest.mark.parametrize("name", ["waveform-cascader", "super-resolution"])
def test_what_is_known_stays_where_the_band_of_the_source_is_taken_over(name: str) -> None:
    stage = stage_of("tiny", name)
    audio = torch.from_numpy(tone(3, 0.5))[None]
    inpainting = Inpainting(x0_of(stage, audio), (torch.arange(x0_of(stage, audio).shape[-1]) < 2_000).float()[None, None])
    found = data_consistency(stage, made(stage, audio), true_inputs(stage, audio.roll(300, -1)), inpainting)
    assert torch.equal(found[..., :2_000], inpainting.signal[..., :2_000])


def test_without_projections_nothing_changes() -> None:
    for name in ("waveform-cascader", "vocoder"):
        stage = stage_of("tiny", name)
        stage = replace(stage, sampling=replace(stage.sampling, consistency_iters=0))
        audio = torch.from_numpy(tone(3, 0.5))[None]
        hissing = made(stage, audio)
        assert data_consistency(stage, hissing, true_inputs(stage, audio)) is hissing


def test_long_clips_go_in_windows_without_a_seam() -> None:
    stage = stage_of("tiny", "vocoder")
    stage = replace(stage, sampling=replace(stage.sampling, consistency_iters=2))
    audio = torch.from_numpy(render_piece(7, 0, 22.0).audio[: 22 * CORPUS_RATE])[None]
    x0, inputs = x0_of(stage, audio), true_inputs(stage, audio)
    found = data_consistency(stage, x0, inputs)
    assert found.shape == x0.shape
    assert inputs.local_cond is not None
    away = (LOG_MEL(in_full_scale(stage, found)[:, 0]) - inputs.local_cond).abs().mean((0, 1))
    first, *others = windows(2200, WINDOW_FRAMES, SHARED_FRAMES, 0, 1)
    assert len(others) == 2
    seams = torch.cat([away[window.rise[0] - 10 : window.rise[1] + 10] for window in others])
    assert float(seams.mean()) < 1.3 * float(away[100 : first.fall[0] - 10].mean()) + 0.01
