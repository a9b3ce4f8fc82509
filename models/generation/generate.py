"""Requests become clips."""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby

import numpy as np
import torch

from noise2music.core.device import one_thread
from noise2music.core.errors import RowError, UserError, first_line
from noise2music.core.ids import stable_id
from noise2music.models.cascade.stage import StageName
from noise2music.models.cascade.training_pairs import in_full_scale
from noise2music.models.generation.audio_prompt import init_mask, paste_init
from noise2music.models.generation.cascade import Cascade
from noise2music.models.generation.chain import StageOutput, Texts, run_chain
from noise2music.models.generation.clip import GeneratedClip
from noise2music.models.generation.guards import FLOOR_DBFS, check_audio, headroom_gain, level_dbfs
from noise2music.models.generation.plan import Plan, plan_request
from noise2music.models.generation.request import AudioPrompt, Request
from noise2music.models.generation.settings import GenerationSettings, StageSampling


def generate(
    cascade: Cascade,
    prompts: Sequence[str],
    seconds: float = 30.0,
    seeds: Sequence[int] | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    start: StageName | None = None,
    stop_after: StageName | None = None,
    init: AudioPrompt | None = None,
    keep: Sequence[tuple[float, float]] = (),
) -> list[GeneratedClip | RowError]:
    """A clip for each prompt. A prompt that comes again with its seed gets another sample.

    Args:
        cascade: the networks and their settings.
        prompts: what is heard, in words.
        seconds: length of every clip.
        seeds: one a prompt; 0 where none are given.
        steps, guidance, start, stop_after: in place of the settings of the cascade.
        init, keep: see Request.

    Returns:
        For each prompt a clip, or the RowError that says why there is none.

    Raises:
        UserError: a stage is needed that was not loaded.
    """
    settings = cascade.settings
    changes = StageSampling(steps=steps, guidance=guidance)
    changed = GenerationSettings.model_validate(
        {
            **settings.model_dump(),
            "sampling": settings.sampling.changed_by(changes),
            "stages": {name: sampling.changed_by(changes) for name, sampling in settings.stages.items()},
            "start": start or settings.start,
            "stop_after": stop_after or settings.stop_after,
        }
    )
    all_seeds = seeds if seeds is not None else [0] * len(prompts)
    before: Counter[tuple[str, int]] = Counter()
    requests = []
    for prompt, seed in zip(prompts, all_seeds, strict=True):
        sample = before[prompt, seed]
        requests.append(Request(stable_id(prompt), prompt, seconds, seed, sample=sample, init=init, keep=tuple(keep)))
        before[prompt, seed] += 1
    return generate_requests(cascade.changed(changed), requests)


def generate_requests(cascade: Cascade, requests: Sequence[Request], workers: int = 1) -> list[GeneratedClip | RowError]:
    """A clip, or the reason why there is none, for each request, in their order.

    On a CPU every clip is made alone on one thread of torch, so that its bits do not depend on the other requests. workers: threads that
    do so; their number changes no bit. On a GPU clips of one length go together, settings.batch at once.
    """
    planned = [_planned(request, cascade) for request in requests]
    plans = [(place, plan) for place, plan in enumerate(planned) if isinstance(plan, Plan)]
    texts = _texts(cascade, [plan for _, plan in plans])
    answers: list[GeneratedClip | RowError | None] = [plan if isinstance(plan, RowError) else None for plan in planned]
    batches = _batches(cascade, plans)
    with ThreadPoolExecutor(max(1, workers) if cascade.device.type == "cpu" else 1) as pool:
        for batch, clips in zip(batches, pool.map(lambda batch: _make(cascade, [plan for _, plan in batch], texts), batches), strict=True):
            for (place, _), clip in zip(batch, clips, strict=True):
                answers[place] = clip
    return [clip for clip in answers if clip is not None]


def read_ahead(cascade: Cascade, texts: Iterable[str]) -> None:
    """Embed the texts of many later calls where memory is short, so that the text encoder is loaded once for all of them."""
    lengths = [stage.tokens for stage in cascade.stages if stage.tokens]
    if cascade.texts is not None and lengths and cascade.networks.one_at_a_time:
        with cascade.networks.lock:
            cascade.texts.read_ahead(texts, lengths)
            cascade.texts.free()


def _planned(request: Request, cascade: Cascade) -> Plan | RowError:
    try:
        return plan_request(request, cascade.stages)
    except RowError as error:
        return error


def _texts(cascade: Cascade, plans: Sequence[Plan]) -> Texts:
    """Every prompt and negative prompt, before any stage runs; then the encoder makes room where memory is short."""
    lengths = [stage.tokens for stage in cascade.stages if stage.tokens]
    if cascade.texts is None or not lengths:
        return {}
    prompts = [text for plan in plans for text in (plan.request.prompt, plan.request.negative) if text]
    with cascade.networks.lock:
        embeddings = cascade.texts.embed(prompts, lengths)
        if cascade.networks.one_at_a_time:
            cascade.texts.free()
    return embeddings


def _batches(cascade: Cascade, plans: Sequence[tuple[int, Plan]]) -> list[list[tuple[int, Plan]]]:
    """One by one on a CPU. On a GPU clips of one length go together; those that keep audio are sampled in another way, so apart."""
    if cascade.device.type == "cpu":
        return [[plan] for plan in plans]

    def kind(each: tuple[int, Plan]) -> tuple[int, bool]:
        return each[1].frames, each[1].init_audio is not None

    size = cascade.settings.batch
    groups = [list(group) for _, group in groupby(sorted(plans, key=kind), key=kind)]
    return [group[start : start + size] for group in groups for start in range(0, len(group), size)]


def _make(cascade: Cascade, plans: Sequence[Plan], texts: Texts) -> list[GeneratedClip | RowError]:
    if cascade.device.type == "cpu":
        with one_thread():
            outputs = run_chain(cascade, plans, texts)
            return [_clip_of(cascade, plan, signal, texts) for plan, signal in zip(plans, outputs, strict=True)]
    try:
        # Convolutions in TF32 would not be fp32, and cuDNN's fastest algorithm of the day not the same one twice.
        with cascade.networks.lock, torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=cascade.half):
            outputs = run_chain(cascade, plans, texts)
    except torch.OutOfMemoryError as error:
        return _in_halves(cascade, plans, texts, error)
    return [_clip_of(cascade, plan, signal, texts) for plan, signal in zip(plans, outputs, strict=True)]


def _in_halves(cascade: Cascade, plans: Sequence[Plan], texts: Texts, error: torch.OutOfMemoryError) -> list[GeneratedClip | RowError]:
    """Fewer clips at once. Raises UserError where a single one does not fit."""
    if len(plans) == 1:
        raise UserError(
            f"the GPU's memory does not hold one clip of {plans[0].request.seconds:g} s ({first_line(error)}). Use another "
            "device, or smaller chunk_seconds."
        ) from error
    torch.cuda.empty_cache()
    middle = len(plans) // 2
    return [*_make(cascade, plans[:middle], texts), *_make(cascade, plans[middle:], texts)]


def _clip_of(cascade: Cascade, plan: Plan, output: StageOutput | RowError, texts: Texts) -> GeneratedClip | RowError:
    """The output of the last stage as a clip of the length that was asked for, with its warnings. RowError where a guard refuses it."""
    if isinstance(output, RowError):
        return output
    stage, request, rate = cascade.stages[-1], plan.request, cascade.rate
    cut, warnings = _cut_tokens(cascade, request.prompt, texts), list(plan.warnings)
    if cut:
        warnings.append(f"prompt cut by {cut} tokens")
    if request.negative and (negative_cut := _cut_tokens(cascade, request.negative, texts)):
        warnings.append(f"negative prompt cut by {negative_cut} tokens")
    if stage.signal.domain == "log_mel":
        spectrogram = np.ascontiguousarray(output.x0[:, : plan.frames].numpy(), np.float32)
        return GeneratedClip(
            request=request,
            audio=np.zeros(0, np.float32),
            sample_rate=rate,
            spectrogram=spectrogram,
            rms_dbfs=FLOOR_DBFS,
            peak=0.0,
            cut_tokens=cut,
            calls=output.calls,
            warnings=tuple(warnings),
        )
    samples, fade = max(1, round(request.seconds * rate)), cascade.settings.fade_seconds
    unclipped = in_full_scale(stage, output.x0[None])[0, 0, :samples].numpy()
    gain = headroom_gain(unclipped) if plan.init_audio is None else 1.0
    known = init_mask(plan, rate, samples, fade)
    try:
        warnings += check_audio(unclipped[~known], gain)
    except RowError as error:
        return error
    whole = paste_init(unclipped * np.float32(gain), plan, rate, fade)
    if beyond := int((np.abs(whole[known]) > 1.0).sum()):
        warnings.append(f"kept audio clipped {100 * beyond / int(known.sum()):.2g} %")
    audio = np.clip(whole, -1.0, 1.0).astype(np.float32)
    return GeneratedClip(
        request=request,
        audio=audio,
        sample_rate=rate,
        spectrogram=None,
        rms_dbfs=level_dbfs(audio),
        peak=float(np.abs(audio).max()),
        cut_tokens=cut,
        calls=output.calls,
        warnings=tuple(warnings),
    )


def _cut_tokens(cascade: Cascade, text: str, texts: Texts) -> int:
    """Tokens of a text that do not fit the stage with the fewest."""
    return max((texts[text, stage.tokens].cut for stage in cascade.stages if stage.tokens), default=0)
