"""How long stages work, in which pieces, and that a long clip costs a network no more memory than its pieces."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor

from noise2music.models.cascade.presets import PAPER, stage_of
from noise2music.models.cascade.stage import FRAME_SAMPLES
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.generation.cascade import Cascade
from noise2music.models.generation.clip import GeneratedClip
from noise2music.models.generation.generate import generate_requests
from noise2music.models.generation.lengths import frames_of, pieces, stage_frames
from noise2music.models.generation.request import Request
from noise2music.models.generation.settings import GenerationSettings, StageSampling
from noise2music.models.network.unet import UNet
from tests.models.generation.test_generate import made, one

SETTINGS = GenerationSettings()


def test_frames_cover_what_is_asked() -> None:
    assert [frames_of(seconds) for seconds in (1.0, 0.3, 0.01, 0.001, 1e-9, 1.2345, 0.29, 600)] == [100, 30, 1, 1, 1, 124, 29, 60_000]


def test_generators_and_group_norm_work_on_their_training_length() -> None:
    waveform = [PAPER[0], PAPER[1], PAPER[4]]
    assert stage_frames(waveform, 100) == [3_000, 350, 350]
    assert stage_frames(waveform, 4_000) == [4_000, 4_000, 4_000]
    tiny = [stage_of("tiny", stage.name) for stage in waveform]
    assert stage_frames(tiny, 100) == [512, 100, 100]


@pytest.mark.parametrize("preset", ["paper", "fast", "tiny"])
def test_no_piece_of_ten_minutes_is_longer_than_a_window(preset: str) -> None:
    for stage in (stage_of(preset, each.name) for each in PAPER):  # type: ignore[arg-type]
        positions = stage.positions(60_000 * FRAME_SAMPLES)
        longest = stage.positions(1_000 * FRAME_SAMPLES) if stage.unet.local else stage.positions(stage.crop_samples)
        over = pieces(stage, positions, SETTINGS)
        assert max(window.end - window.start for window in over) <= longest
        assert sum(window.end - window.start for window in over) < 1.5 * positions


class Watched(UNet):
    """Remembers the longest signal that it was given."""

    longest = 0

    def forward(self, x: Tensor, log_snr: Tensor, inputs: Inputs) -> Tensor:
        self.longest = max(self.longest, x.shape[-1])
        found: Tensor = super().forward(x, log_snr, inputs)
        return found


def watched(cascade: Cascade) -> tuple[Cascade, dict[str, Watched]]:
    """The same cascade with networks that are watched."""
    networks = {}
    for stage in cascade.stages:
        with cascade.networks.use(stage.name) as network:
            watching = Watched(network.shape)
            watching.load_state_dict(network.state_dict())
            networks[stage.name] = watching.eval().requires_grad_(False)
    return replace(cascade, networks=type(cascade.networks)(networks, torch.device("cpu"), False)), networks  # type: ignore[arg-type]


@pytest.mark.parametrize("route", ["waveform", "spectrogram"])
def test_networks_never_see_more_than_their_pieces(route: str, request: pytest.FixtureRequest) -> None:
    cascade: Cascade = request.getfixturevalue(route)
    few = cascade.changed(GenerationSettings(route=cascade.settings.route, chunk_seconds=1.0, sampling=StageSampling(steps=1)))
    watching, networks = watched(few)
    (clip,) = made(generate_requests(watching, [Request("a", "a piano", 12.0)]))
    assert len(clip.audio) == 12 * 24_000
    for stage in few.stages:
        limit = 1.0 if stage.unet.local else stage.seconds
        assert 0 < networks[stage.name].longest <= limit * (100 if stage.signal.domain == "log_mel" else stage.signal.rate)


def test_chunks_change_nothing_but_rounding(waveform: Cascade) -> None:
    """The stages behind the generator in one piece, and in three, through all steps of the sampler: within 1e-4 of full scale."""
    whole = one(waveform, Request("a", "a piano", 2.5))
    chunked = one(waveform.changed(GenerationSettings(chunk_seconds=1.0)), Request("a", "a piano", 2.5))
    assert isinstance(whole, GeneratedClip)
    assert chunked.calls > whole.calls
    difference = float(np.abs(whole.audio - chunked.audio).max())
    print(f"chunks against the whole: {difference:.1e} of full scale")
    assert difference < 1e-4
