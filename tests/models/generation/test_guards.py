"""Each fault is put into a clip, and found."""

from collections import Counter

import numpy as np
import pytest
import torch

from noise2music.core.errors import RowError
from noise2music.models.generation.cascade import load_cascade
from noise2music.models.generation.clip import GeneratedClip
from noise2music.models.generation.generate import generate_requests
from noise2music.models.generation.guards import check_audio, check_finite, count_warnings, headroom_gain, level_dbfs
from noise2music.models.generation.request import Request
from noise2music.models.generation.settings import GenerationSettings, StageSampling
from tests.models.generation.test_generate import tone

SINE = (0.5 * np.sin(np.arange(48_000) / 10)).astype(np.float32)


def test_a_good_clip_says_nothing() -> None:
    assert check_audio(SINE) == ()
    assert check_audio(np.zeros(0, np.float32)) == ()


def test_level() -> None:
    assert level_dbfs(SINE) == pytest.approx(-9.03, abs=0.01)
    assert level_dbfs(np.zeros(5, np.float32)) == level_dbfs(np.zeros(0, np.float32)) == -120


@pytest.mark.parametrize(
    ("audio", "reason"), [(SINE * 1e-4, "silent"), (np.zeros(100, np.float32), "silent"), (np.clip(SINE * 9, -1, 1), "clipped")]
)
def test_what_spoils_a_clip(audio: np.ndarray, reason: str) -> None:
    with pytest.raises(RowError) as error:
        check_audio(audio)
    assert error.value.reason == reason


def test_what_is_said() -> None:
    few = SINE.copy()
    few[:480] = 1.0
    assert check_audio(few) == ("clipped 1.0 %",)
    assert check_audio(few, 0.5) == ("turned down by 6.0 dB",)
    assert check_audio(SINE * 0.5 - 0.05) == ("DC offset of -5.0 % of full scale",)


def test_a_loud_clip_is_turned_down_and_a_stray_sample_turns_nothing_down() -> None:
    assert headroom_gain(SINE) == headroom_gain(np.zeros(0, np.float32)) == 1
    stray = SINE.copy()
    stray[5] = 3.0
    assert headroom_gain(stray) == 1
    loud = SINE * np.float32(4.0)
    assert np.mean(np.abs(loud * headroom_gain(loud)) >= 1) < 1e-3
    assert np.abs(loud * headroom_gain(loud)).max() == pytest.approx(1, abs=1e-3)
    assert check_audio(loud, headroom_gain(loud))[0].startswith("turned down by")
    with pytest.raises(RowError, match="at full scale or beyond"):
        check_audio(SINE * 40, headroom_gain(SINE * 40))


def test_numbers_that_are_none() -> None:
    check_finite(SINE, "vocoder")
    with pytest.raises(RowError, match=r"25.0% of what the vocoder made is NaN or infinite"):
        check_finite(np.array([1, 2, np.nan, 3], np.float32), "vocoder")


def test_kinds_are_counted_whatever_their_numbers() -> None:
    clips = [
        GeneratedClip(Request("a", "x"), SINE, 24_000, None, -9.0, 0.5, cut, 9, (f"prompt cut by {cut} tokens", "clipped 0.3 %"))
        for cut in (3, 40)
    ]
    counted = count_warnings([*clips, RowError("silent", "so quiet")])
    assert counted == Counter({"prompt cut by … tokens": 2, "clipped … %": 2, "silent": 1})


@pytest.mark.parametrize(("value", "reason"), [(float("nan"), "not_finite"), (float("inf"), "not_finite")])
def test_a_network_that_breaks_is_a_dead_letter(checkpoints: str, value: float, reason: str) -> None:
    broken = load_cascade(checkpoints, GenerationSettings(), "cpu")
    with broken.networks.use("waveform-cascader") as network:
        network.exit.bias.data = torch.tensor([value])
    (clip,) = generate_requests(broken, [Request("a", "x", 0.1)])
    assert isinstance(clip, RowError)
    assert clip.reason == reason
    assert "waveform-cascader" in clip.message


def test_a_silent_network_is_a_dead_letter(checkpoints: str) -> None:
    settings = GenerationSettings(start="super-resolution", sampling=StageSampling(steps=1, consistency_iters=0))
    broken = load_cascade(checkpoints, settings, "cpu")
    with broken.networks.use("super-resolution") as network:
        for parameter in network.exit.parameters():
            parameter.data = torch.zeros_like(parameter)
    (clip,) = generate_requests(broken, [Request("a", "", 0.1, init=tone(0.1, 16_000))])
    assert isinstance(clip, RowError)
    assert clip.reason == "silent"
