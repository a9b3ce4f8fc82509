"""Continuation and inpainting: what is kept stays as it was at every rate, and what is not known is made."""

import re
from dataclasses import replace

import numpy as np
import pytest

from noise2music.core.audio.resample import resample
from noise2music.models.cascade.stage import STAGES, StageName
from noise2music.models.generation.audio_prompt import inpainting_of, paste_init
from noise2music.models.generation.cascade import Cascade
from noise2music.models.generation.plan import plan_request
from noise2music.models.generation.request import AudioPrompt, Request
from noise2music.models.generation.settings import GenerationSettings
from tests.models.generation.small_cascade import small_stage
from tests.models.generation.test_generate import one, tone

FADE = 120
"""Samples at 24 kHz of the cross-fade, 5 ms."""


def test_a_continuation_begins_as_its_init(waveform: Cascade) -> None:
    init = tone(0.5, 24_000)
    clip = one(waveform, Request("a", "a piano", 0.9, init=init))
    assert np.array_equal(clip.audio[: 12_000 - FADE], init.audio[:-FADE])
    after = clip.audio[12_000:]
    assert float(np.sqrt(np.mean(np.square(after)))) > 0.01
    assert not np.allclose(after[:9_000], one(waveform, Request("a", "a piano", 0.9)).audio[12_000:21_000], atol=1e-3)


def test_inpainting_keeps_both_sides(spectrogram: Cascade) -> None:
    init = tone(0.9, 24_000)
    clip = one(spectrogram, Request("a", "a piano", 0.9, init=init, keep=((0.0, 0.3), (0.6, 0.9))))
    assert np.array_equal(clip.audio[: 7_200 - FADE], init.audio[: 7_200 - FADE])
    assert np.array_equal(clip.audio[14_400 + FADE :], init.audio[14_400 + FADE :])
    gap = slice(7_200 + FADE, 14_400 - FADE)
    assert not np.allclose(clip.audio[gap], init.audio[gap], atol=0.05)


def test_an_init_of_another_rate_is_kept_as_it_sounds(waveform: Cascade) -> None:
    init = tone(0.3, 8_000)
    clip = one(waveform, Request("a", "a piano", 0.5, init=init))
    inpainting = resample(init.audio, 8_000, 24_000)
    assert np.array_equal(clip.audio[: 7_200 - FADE], inpainting[:-FADE])
    assert "kept audio of 8000 Hz in a clip of 24000 Hz" in clip.warnings


def test_of_a_whole_clip_that_is_kept_nothing_is_made(waveform: Cascade) -> None:
    init = tone(0.7, 24_000)
    clip = one(waveform, Request("a", "a piano", 0.5, init=init))
    assert np.array_equal(clip.audio, init.audio[:12_000])
    assert clip.warnings == ("kept audio fills the clip: nothing was made; ask for more seconds, or keep less",)


def test_kept_audio_beyond_full_scale_is_turned_down_and_said(waveform: Cascade) -> None:
    init = tone(0.3, 24_000)
    clip = one(waveform, Request("a", "a piano", 0.5, init=replace(init, audio=init.audio * 4)))
    assert float(np.abs(clip.audio[:7_000]).max()) == pytest.approx(1.0, abs=1e-6)
    assert np.allclose(clip.audio[:7_000], init.audio[:7_000] / np.abs(init.audio).max(), atol=1e-5)
    assert "init audio beyond full scale, turned down by 1.6 dB" in clip.warnings


def test_what_resampling_pushes_beyond_full_scale_is_clipped_and_said(waveform: Cascade) -> None:
    square = np.where(np.arange(2_400) // 20 % 2, 1.0, -1.0).astype(np.float32)
    clip = one(waveform, Request("a", "a piano", 0.5, init=AudioPrompt(square, 8_000)))
    assert float(np.abs(clip.audio[:6_000]).max()) == 1.0
    assert any(re.fullmatch(r"kept audio clipped [\d.]+ %", warning) for warning in clip.warnings)


def test_keeping_costs_rounds_of_the_generator_alone(waveform: Cascade) -> None:
    init = tone(0.1, 24_000)
    plain, kept = one(waveform, Request("a", "x", 0.2)), one(waveform, Request("a", "x", 0.2, init=init))
    once = waveform.changed(waveform.settings.model_copy(update={"rounds": 1}))
    assert one(once, Request("a", "x", 0.2, init=init)).calls == plain.calls
    assert kept.calls - plain.calls == 2 * 2 * 9


def test_a_late_start_keeps_what_is_named(waveform: Cascade) -> None:
    cascade = waveform.changed(GenerationSettings(start="super-resolution"))
    init = tone(0.5, 24_000)
    plain = one(cascade, Request("a", "", 0.5, init=init))
    kept = one(cascade, Request("a", "", 0.5, init=init, keep=((0.1, 0.3),)))
    assert np.array_equal(kept.audio[2_400 + FADE : 7_200 - FADE], init.audio[2_400 + FADE : 7_200 - FADE])
    assert not np.allclose(plain.audio[2_400:7_200], init.audio[2_400:7_200], atol=0.01)


@pytest.mark.parametrize("name", STAGES)
def test_what_a_stage_knows_does_not_hear_what_is_not_kept(name: StageName) -> None:
    """Where the weight is above 0 the known signal is the same, whatever the init holds outside of what is kept."""
    stage = small_stage(name)
    quiet, loud = tone(1.0, 24_000), tone(1.0, 24_000)
    outside = np.ones(24_000, bool)
    outside[7_200:16_800] = False
    loud.audio[outside] = 0.9 * np.sign(np.random.default_rng(0).standard_normal(outside.sum())).astype(np.float32)
    found = []
    for sound in (quiet, loud):
        plan = plan_request(Request("a", "x", 1.0, init=sound, keep=((0.3, 0.7),)), [small_stage("waveform-generator")])
        inpainting = inpainting_of(plan, stage, 100, 0.005)
        assert inpainting is not None
        found.append(inpainting)
    counts = found[0].mask[0, 0] > 0
    assert float(counts.float().mean()) > 0.25
    difference = (found[0].signal - found[1].signal)[..., counts].abs().max()
    assert float(difference) < 2e-3 * stage.scale
    assert float((found[0].signal - found[1].signal)[..., ~counts].abs().max()) > 0.1


def test_the_fade_is_as_long_as_it_is_said_to_be() -> None:
    plan = plan_request(Request("a", "x", 1.0, init=tone(0.5, 24_000)), [small_stage("waveform-generator")])
    silent = np.zeros(24_000, np.float32)
    faded = paste_init(silent, plan, 24_000, 0.005)
    init = tone(0.5, 24_000).audio
    assert np.array_equal(faded[: 12_000 - FADE], init[: 12_000 - FADE])
    ramp = (np.arange(FADE) + 0.5)[::-1] / FADE
    assert np.allclose(faded[12_000 - FADE : 12_000], init[-FADE:] * ramp, atol=1e-6)
    assert not faded[12_000:].any()
    assert np.array_equal(paste_init(silent, plan, 24_000, 0.0)[:12_000], init)


def test_touching_spans_are_one() -> None:
    init = tone(2.0, 24_000)
    stages = [small_stage("waveform-generator")]
    asked = Request("a", "x", 1.5, init=init, keep=((1.0, 2.0), (0.2, 0.5), (0.5, 0.7)))
    assert plan_request(asked, stages).spans == ((0.2, 0.7), (1.0, 1.5))
    assert plan_request(replace(asked, keep=()), stages).spans == ((0.0, 1.5),)
