"""Requests become clips: the same bits in any company, both routes, any start, end and length."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
import torch

from noise2music.core.errors import RowError, UserError
from noise2music.models.cascade.stage import Signal
from noise2music.models.generation.audio_prompt import source_signal
from noise2music.models.generation.cascade import Cascade, Networks, load_cascade
from noise2music.models.generation.chain import run_chain
from noise2music.models.generation.clip import GeneratedClip
from noise2music.models.generation.generate import _batches, generate, generate_requests, read_ahead
from noise2music.models.generation.guards import count_warnings
from noise2music.models.generation.plan import plan_request
from noise2music.models.generation.request import AudioPrompt, Request
from noise2music.models.generation.settings import GenerationSettings, StageSampling
from noise2music.models.generation.texts import PromptTexts
from noise2music.models.signal.log_mel import LOG_MEL


def tone(seconds: float, rate: int, hertz: float = 440.0) -> AudioPrompt:
    times = np.arange(round(seconds * rate)) / rate
    return AudioPrompt((0.3 * np.sin(2 * np.pi * hertz * times)).astype(np.float32), rate)


def made(clips: Sequence[GeneratedClip | RowError]) -> list[GeneratedClip]:
    assert not [clip for clip in clips if isinstance(clip, RowError)]
    return [clip for clip in clips if isinstance(clip, GeneratedClip)]


def one(cascade: Cascade, request: Request) -> GeneratedClip:
    return made(generate_requests(cascade, [request]))[0]


def failure(cascade: Cascade, request: Request) -> RowError:
    (clip,) = generate_requests(cascade, [request])
    assert isinstance(clip, RowError)
    return clip


SEVEN = [
    Request(
        f"song {number}", "slow jazz " * (1 + number % 3), 0.3 + 0.2 * (number % 3), seed=number, negative="drums" if number % 2 else None
    )
    for number in range(7)
]


@pytest.mark.parametrize("route", ["waveform", "spectrogram"])
def test_a_clip_has_the_same_bits_in_any_company(route: str, request: pytest.FixtureRequest) -> None:
    cascade: Cascade = request.getfixturevalue(route)
    together = made(generate_requests(cascade, SEVEN))
    spread = made(generate_requests(cascade, SEVEN[::-1], workers=3))[::-1]
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        for number in (0, 3, 6):
            assert np.array_equal(one(cascade, SEVEN[number]).audio, together[number].audio)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    for first, second in zip(together, spread, strict=True):
        assert np.array_equal(first.audio, second.audio)
        assert (first.calls, first.warnings) == (second.calls, second.warnings)


def test_rows_of_a_batch_do_not_meet(waveform: Cascade) -> None:
    """As on a GPU: clips in one batch, with and without negative prompt and kept audio, are what they are alone, up to rounding."""
    requests = [replace(each, seconds=0.5) for each in SEVEN[:5]]
    for place, seconds in ((2, 0.2), (4, 0.3)):
        requests[place] = replace(requests[place], init=tone(seconds, 24_000))
    plans = [plan_request(each, waveform.stages) for each in requests]
    assert waveform.texts is not None
    texts = waveform.texts.embed([text for each in requests for text in (each.prompt, each.negative) if text], [64])
    on_gpu = replace(waveform, networks=Networks({}, torch.device("cuda"), True))
    batches = _batches(on_gpu, list(enumerate(plans)))
    assert [[place for place, _ in batch] for batch in batches] == [[0, 1, 3], [2, 4]]
    for batch in batches:
        for (_, plan), drawn in zip(batch, run_chain(waveform, [plan for _, plan in batch], texts), strict=True):
            (alone,) = run_chain(waveform, [plan], texts)
            assert not isinstance(alone, RowError)
            assert not isinstance(drawn, RowError)
            assert torch.allclose(alone.x0, drawn.x0, atol=1e-4)
            assert alone.calls == drawn.calls


def test_stages_that_take_turns_on_the_device_change_nothing(waveform: Cascade) -> None:
    """As where a GPU's memory is short: each network is moved in and out, and the text encoder is given back and loaded again."""
    loaded = {}
    for stage in waveform.stages:
        with waveform.networks.use(stage.name) as network:
            loaded[stage.name] = network
    assert waveform.texts is not None
    texts = PromptTexts(waveform.headers["waveform-generator"].text, None, waveform.device)  # type: ignore[arg-type]
    turns = replace(waveform, networks=Networks(loaded, waveform.device, True), texts=texts)
    asked = Request("a", "a piano", 0.2)
    first, second = one(turns, asked), one(turns, asked)
    assert np.array_equal(first.audio, one(waveform, asked).audio)
    assert np.array_equal(first.audio, second.audio)
    assert texts._loaded is None


def test_an_encoder_that_makes_room_is_loaded_once_for_a_job(waveform: Cascade, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a GPU's memory is short: what was read ahead serves every thread, and no encoder stands beside a stage."""
    loaded = {}
    for stage in waveform.stages:
        with waveform.networks.use(stage.name) as network:
            loaded[stage.name] = network
    texts = PromptTexts(waveform.headers["waveform-generator"].text, None, waveform.device)  # type: ignore[arg-type]
    turns = replace(waveform, networks=Networks(loaded, waveform.device, True), texts=texts)
    loads: list[str] = []
    load = texts.load
    monkeypatch.setattr(texts, "load", lambda: loads.append("load") or load())
    read_ahead(turns, [text for each in SEVEN for text in (each.prompt, each.negative) if text])
    assert (len(loads), texts._loaded) == (1, None)
    asked = [replace(each, seconds=0.1) for each in SEVEN]
    with ThreadPoolExecutor(3) as pool:
        found = [clip for clips in pool.map(lambda each: generate_requests(turns, [each]), asked) for clip in made(clips)]
    assert len(loads) == 1
    for first, second in zip(found, made(generate_requests(waveform, asked)), strict=True):
        assert np.array_equal(first.audio, second.audio)


def test_seed_sample_and_key_change_the_noise_and_prompts_the_clip(waveform: Cascade) -> None:
    plain = Request("a", "a piano", 0.3)
    others = [replace(plain, seed=1), replace(plain, sample=1), replace(plain, key="b"), replace(plain, prompt="drums")]
    others.append(replace(plain, negative="drums"))
    first, *rest = made(generate_requests(waveform, [plain, *others]))
    assert all(not np.allclose(first.audio, other.audio, atol=1e-3) for other in rest)


@pytest.mark.parametrize(
    ("route", "stop_after", "rate"),
    [
        ("waveform", "waveform-generator", 3_200),
        ("waveform", "waveform-cascader", 16_000),
        ("spectrogram", "vocoder", 16_000),
        ("spectrogram", None, 24_000),
    ],
)
def test_stopping_after_any_stage(request: pytest.FixtureRequest, route: str, stop_after: str | None, rate: int) -> None:
    settings = GenerationSettings(route=route, stop_after=stop_after)  # type: ignore[arg-type]
    cascade: Cascade = request.getfixturevalue(route).changed(settings)
    clip = one(cascade, Request("a", "a piano", 0.505))
    assert (clip.sample_rate, len(clip.audio), cascade.rate) == (rate, round(0.505 * rate), rate)
    assert list(cascade.identity) == list(settings.chain)
    assert clip.spectrogram is None
    assert float(np.abs(clip.audio).max()) == clip.peak <= 1


def test_stopping_after_the_spectrogram(spectrogram: Cascade) -> None:
    cascade = spectrogram.changed(GenerationSettings(route="spectrogram", stop_after="spectrogram-generator"))
    clip = one(cascade, Request("a", "a piano", 0.505))
    assert clip.spectrogram is not None
    assert clip.spectrogram.shape == (80, 51)
    assert len(clip.audio) == 0


def test_stages_make_what_the_whole_makes(waveform: Cascade) -> None:
    """What a stopped run makes, given to a run that starts there, becomes what one run makes: the way in is the way through."""
    asked = Request("a", "a piano", 0.64)
    low = one(waveform.changed(GenerationSettings(stop_after="waveform-generator")), asked)
    rest = waveform.changed(GenerationSettings(start="waveform-cascader"))
    late = one(rest, replace(asked, init=AudioPrompt(low.audio, low.sample_rate)))
    whole = one(waveform, asked)
    assert low.peak < 1
    assert np.allclose(late.audio, whole.audio, atol=1e-4)


@pytest.mark.parametrize(
    ("route", "start", "rate"),
    [("waveform", "super-resolution", 44_100), ("waveform", "waveform-cascader", 2_000), ("spectrogram", "vocoder", 16_000)],
)
def test_starting_from_real_audio_of_any_rate(request: pytest.FixtureRequest, route: str, start: str, rate: int) -> None:
    cascade: Cascade = request.getfixturevalue(route)
    cascade = cascade.changed(GenerationSettings(route=route, start=start))  # type: ignore[arg-type]
    clip = one(cascade, Request("a", "a piano", 0.4, init=tone(0.5, rate, 220)))
    assert len(clip.audio) == 9_600
    low = rate < (3_200 if start == "waveform-cascader" else 16_000)
    assert any(f"init audio of {rate} Hz where" in warning for warning in clip.warnings) == low
    other = one(cascade, Request("a", "a piano", 0.4, init=tone(0.5, rate, 330)))
    assert float(np.abs(clip.audio - other.audio).max()) > 1e-5


def test_a_late_start_without_text_needs_no_prompt(checkpoints: str) -> None:
    cascade = load_cascade(checkpoints, GenerationSettings(start="super-resolution"), "cpu")
    assert cascade.texts is None
    assert len(one(cascade, Request("a", "", 0.05, init=tone(0.05, 16_000))).audio) == 1_200


def test_a_shorter_clip_is_cut_out_of_one_of_the_training_length(waveform: Cascade) -> None:
    cascade = waveform.changed(GenerationSettings(stop_after="waveform-generator"))
    longest, short, odd = (one(cascade, Request("a", "a piano", seconds)) for seconds in (0.64, 0.3, 0.0312))
    assert np.array_equal(short.audio, longest.audio[:960])
    assert np.array_equal(odd.audio, longest.audio[:100])
    assert not any("longer than trained" in warning for warning in longest.warnings)


def test_longer_than_trained_is_said_and_stays_at_its_level(waveform: Cascade) -> None:
    clip, usual = one(waveform, Request("a", "a piano", 2.0)), one(waveform, Request("a", "a piano", 0.64))
    assert "longer than trained (0.64 s)" in clip.warnings
    assert len(clip.audio) == 48_000
    levels = [10 * np.log10(np.mean(np.square(part))) for part in np.split(clip.audio, 20)]
    assert max(levels) - min(levels) < 3
    assert abs(clip.rms_dbfs - usual.rms_dbfs) < 1


@pytest.mark.parametrize(
    ("request_", "reason"),
    [
        (Request("a", ""), "empty_prompt"),
        (Request("a", " \n\t "), "empty_prompt"),
        (Request("a", "x", 0.0), "bad_seconds"),
        (Request("a", "x", -1.0), "bad_seconds"),
        (Request("a", "x", 10_000.0), "bad_seconds"),
        (Request("a", "x", float("nan")), "bad_seconds"),
        (Request("a", "x", 1.0, keep=((0.0, 0.5),)), "no_init"),
        (Request("a", "x", 1.0, init=tone(0.4, 24_000), keep=((0.0, 0.5),)), "init_too_short"),
        (Request("a", "x", 1.0, init=tone(2.0, 24_000), keep=((0.5, 0.5),)), "bad_keep"),
        (Request("a", "x", 1.0, init=tone(2.0, 24_000), keep=((1.5, 1.7),)), "bad_keep"),
        (Request("a", "x", 1.0, init=AudioPrompt(np.full(9, np.nan, np.float32), 24_000)), "bad_init"),
        (Request("a", "x", 1.0, init=AudioPrompt(np.zeros(0, np.float32), 24_000)), "bad_init"),
        (Request("a", "x", 1.0, init=AudioPrompt(np.zeros(9, np.float32), 0)), "bad_init"),
    ],
)
def test_bad_requests_fail_alone(waveform: Cascade, request_: Request, reason: str) -> None:
    good = Request("b", "a piano", 0.2)
    first, bad, last = generate_requests(waveform, [good, request_, replace(good, key="c")])
    assert isinstance(bad, RowError)
    assert bad.reason == reason
    assert len(made([first, last])) == 2


def test_late_starts_need_audio_that_is_long_enough(waveform: Cascade) -> None:
    cascade = waveform.changed(GenerationSettings(start="waveform-cascader"))
    assert failure(cascade, Request("a", "x", 0.3)).reason == "no_init"
    short = failure(cascade, Request("a", "x", 0.3, init=tone(0.2, 3_200)))
    assert short.reason == "init_too_short"
    assert "lasts 0.20 s" in short.message


@pytest.mark.parametrize("prompt", ["🎷🎹 ", "古琴独奏", "موسيقى هادئة", "\ud800 half a pair", "x" * 10_000, "drums " * 2_000])
def test_prompts_of_any_kind(waveform: Cascade, prompt: str) -> None:
    clip = one(waveform, Request("a", prompt, 0.1))
    assert clip.cut_tokens == (1_938 if prompt.startswith("drums") else 0)
    assert any(warning.startswith("prompt cut by") for warning in clip.warnings) == (clip.cut_tokens > 0)


@pytest.mark.parametrize("prompt", ["\u200b\ufeff", "\x01\x02", " \u2028 "])
def test_a_prompt_that_cannot_be_seen_is_empty(waveform: Cascade, prompt: str) -> None:
    assert failure(waveform, Request("a", prompt, 0.1)).reason == "empty_prompt"


def test_a_negative_prompt_that_is_cut_is_said(waveform: Cascade) -> None:
    clip = one(waveform, Request("a", "a piano", 0.1, negative="drums " * 100))
    assert (clip.cut_tokens, clip.warnings[0]) == (0, "negative prompt cut by 38 tokens")


def test_warnings_and_failures_are_counted(waveform: Cascade) -> None:
    long = Request("a", "drums " * 100, 0.1)
    counts = count_warnings(generate_requests(waveform, [long, replace(long, prompt="drums " * 200), replace(long, prompt="")]))
    assert counts["prompt cut by … tokens"] == 2
    assert counts["empty_prompt"] == 1


def test_the_facade_changes_steps_guidance_and_ends(waveform: Cascade) -> None:
    first, again, other = made(generate(waveform, ["a piano", "a piano", "drums"], seconds=0.2, seeds=[1, 1, 1]))
    (_, alone) = made(generate(waveform, ["a piano", "a piano"], seconds=0.2, seeds=[0, 1]))
    assert np.array_equal(alone.audio, first.audio)
    assert not np.array_equal(first.audio, again.audio)
    assert first.calls == other.calls == 3 * (2 + 2 + 1)
    (fewer,) = made(generate(waveform, ["a piano"], 0.2, steps=2, guidance=1.0, stop_after="waveform-cascader"))
    assert (fewer.calls, fewer.sample_rate) == (4, 16_000)
    (late,) = made(generate(waveform, ["a piano"], 0.2, start="super-resolution", init=tone(0.2, 16_000)))
    assert late.calls == 3
    with pytest.raises(UserError, match="were not loaded"):
        generate(waveform.changed(GenerationSettings(stop_after="waveform-generator")), ["a piano"], stop_after="super-resolution")


def test_samplers_and_schedules_by_name(waveform: Cascade) -> None:
    """Every sampler and schedule runs, and takes the estimates that it says."""
    for sampler, calls in {"ddim": 4, "euler": 4, "dpm_solver_2m": 4, "heun": 7, "ancestral": 4}.items():
        for schedule in ("uniform", "log_snr", "karras"):
            said = StageSampling(sampler=sampler, schedule=schedule, steps=4, guidance=1.0)  # type: ignore[arg-type]
            cascade = waveform.changed(GenerationSettings(stop_after="waveform-generator", sampling=said))
            assert one(cascade, Request("a", "a piano", 0.1)).calls == calls


def test_the_spectrogram_of_a_late_start_is_that_of_training() -> None:
    sound = tone(1.0, 16_000)
    found = source_signal(sound, Signal("log_mel", 16_000), 100)
    assert torch.equal(found, LOG_MEL(torch.from_numpy(sound.audio)[None]))
    assert source_signal(tone(0.01, 16_000), Signal("log_mel", 16_000), 1).shape == (1, 80, 1)
