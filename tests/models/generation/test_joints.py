"""Joints measured on data whose exact denoiser is known: a Gaussian process with two resonances, at 3.2 kHz.

A step is the difference of two neighbouring frames of 20 ms, in level (dB) or in spectrum (mean over bins, dB). At a joint it may not be
greater than what is found inside clips that were made in one piece.
"""

import math
from dataclasses import replace
from functools import lru_cache

import pytest
import torch
from torch import Tensor

from noise2music.core.randomness import normals
from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.sample import sample
from noise2music.models.cascade.stage import SamplerName, Sampling
from noise2music.models.cascade.windows import windowed, windows
from noise2music.models.diffusion.denoiser import Network
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.schedule import alpha_sigma
from noise2music.models.diffusion.steps import uniform
from noise2music.models.signal.inpainting import Inpainting

RATE, LENGTH, CLIPS, FRAME, FADE = 3_200, 384, 400, 64, 16
CPU = torch.device("cpu")
STAGE = replace(stage_of("tiny", "waveform-generator"), scale=100.0)


@lru_cache
def principal(length: int) -> tuple[Tensor, Tensor]:
    """Variances and directions of `length` samples of the process."""
    lag = torch.arange(length, dtype=torch.float64)
    tones = 0.15 * 0.995**lag * torch.cos(2 * math.pi * 300 / RATE * lag) + 0.1 * 0.97**lag * torch.cos(2 * math.pi * 90 / RATE * lag)
    places = torch.arange(length)
    variances, directions = torch.linalg.eigh(tones[(places[:, None] - places).abs()])
    return variances.clamp(min=1e-9).float(), directions.float()


def exact(x: Tensor, log_snr: Tensor, inputs: Inputs) -> Tensor:
    """v of the exact estimate E[x0 | x]."""
    del inputs
    variances, directions = principal(x.shape[-1])
    alpha, sigma = alpha_sigma(log_snr[0].double())
    gains = (alpha * variances / (alpha**2 * variances + sigma**2)).float()
    # v = (alpha x - x0) / sigma, direction by direction: the difference of the two is small where there is little noise.
    return (x @ directions * ((float(alpha) - gains) / float(sigma))) @ directions.T


def drawn(sampler: SamplerName, network: Network, length: int, inpainting: Inpainting | None = None, rounds: int = 1) -> Tensor:
    stage = replace(STAGE, sampling=Sampling(sampler, uniform(30)))
    shape = (1, length)
    return sample(
        stage, network, Inputs(), lambda purpose: normals(0, range(CLIPS), purpose, shape, CPU), inpainting=inpainting, rounds=rounds
    )


def steps(clips: Tensor, at: int) -> tuple[float, float]:
    """Mean step in level and in spectrum between the frames before and after a position."""
    before, after = clips[:, 0, at - FRAME : at], clips[:, 0, at : at + FRAME]
    levels = [10 * torch.log10(frame.square().mean(-1)) for frame in (before, after)]
    spectra = [10 * torch.log10(torch.fft.rfft(frame * torch.hann_window(FRAME)).abs().square() + 1e-6) for frame in (before, after)]
    return float((levels[1] - levels[0]).abs().mean()), float((spectra[1] - spectra[0]).abs().mean())


def inside(clips: Tensor) -> tuple[float, float]:
    """The same, over all places of a clip that was made in one piece."""
    found = torch.tensor([steps(clips, at) for at in range(FRAME, clips.shape[-1] - FRAME + 1, FRAME)])
    return float(found[:, 0].mean()), float(found[:, 1].mean())


@pytest.fixture(scope="module", params=["dpm_solver_2m", "ancestral"])
def sampler(request: pytest.FixtureRequest) -> SamplerName:
    return request.param


@pytest.fixture(scope="module")
def whole(sampler: SamplerName) -> Tensor:
    return drawn(sampler, exact, LENGTH)


def test_clips_in_one_piece_are_of_the_process(sampler: SamplerName, whole: Tensor) -> None:
    """In 30 steps, each of which adds the posterior's noise, the ancestral sampler stays a tenth too quiet."""
    assert float(whole.std()) == pytest.approx(0.5, rel=0.08 if sampler == "dpm_solver_2m" else 0.12)


@pytest.mark.parametrize(("rounds", "louder"), [(1, 1.5), (10, 1.15)])
def test_what_is_made_goes_on_from_what_is_known(sampler: SamplerName, whole: Tensor, rounds: int, louder: float) -> None:
    """Continuation with a cross-fade of 5 ms; the joint lies at its end, where nothing is known any more."""
    inpainting, joint = whole.roll(1, 0), 192
    weight = torch.zeros(CLIPS, 1, LENGTH)
    weight[..., : joint - FADE], weight[..., joint - FADE : joint] = 1.0, 1 - (torch.arange(FADE) + 0.5) / FADE
    made = drawn(sampler, exact, LENGTH, Inpainting(inpainting, weight), rounds)
    assert torch.equal(made[..., : joint - FADE], inpainting[..., : joint - FADE])
    usual, found = inside(whole), [steps(made, at) for at in (joint - FADE, joint)]
    cut = steps(torch.cat([inpainting[..., :joint], whole[..., joint:]], -1), joint)
    print(f"{rounds} rounds: steps in dB (level, spectrum) inside {usual}, at the joint {found}, of unrelated clips {cut}")
    for level, spectrum in found:
        assert level < louder * usual[0]
        assert spectrum < 1.1 * usual[1]
    jump = float((made[:, 0, joint] - made[:, 0, joint - 1]).abs().mean())
    assert jump < 1.1 * float(whole.diff().abs().mean())
    assert float((inpainting[:, 0, joint - 1] - whole[:, 0, joint]).abs().mean()) > 1.3 * jump


def test_windows_of_one_clip_join(sampler: SamplerName, whole: Tensor) -> None:
    """Windows, each as long as the network was trained on."""
    over = windows(2 * LENGTH, LENGTH, LENGTH // 4, 0, 16)
    made = drawn(sampler, windowed(exact, over, 16), 2 * LENGTH)
    usual = inside(whole)
    joints = [sum(window.fall) // 2 for window in over[:-1]]
    found = [steps(made, at) for joint in joints for at in (joint - FRAME, joint, joint + FRAME)]
    print(f"windows: steps in dB (level, spectrum) inside {usual}, at the joints {found}")
    assert len(over) > 2
    for level, spectrum in found:
        assert level < 1.3 * usual[0]
        assert spectrum < 1.1 * usual[1]
    for joint in joints:
        assert float(made[..., joint - 32 : joint + 32].std()) == pytest.approx(float(whole.std()), rel=0.15)
