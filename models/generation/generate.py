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
from noise2music.models.generation.cascade import Cascade
from noise2music.models.generation.chain import Drawn, Texts, run_chain
from noise2music.models.generation.given import kept_places, with_kept
from noise2music.models.generation.guards import FLOOR_DBFS, check_audio, held_gain, level_dbfs
from noise2music.models.generation.plan import Plan, plan_request
from noise2music.models.generation.request import Made, Request, Sound
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
    init: Sound | None = None,
    keep: Sequence[tuple[float, float]] = (),
) -> list[Made | RowError]:
    """A clip for each prompt. A prompt that comes again with its seed gets another sample. seeds: one a prompt, 0 where none are given.

    steps, guidance, start, stop_after: in place of what the cascade's settings say. init, keep: see Request.
    Raises UserError where a stage is needed that was not loaded.
    """
    settings = cascade.settings
    said = StageSampling(steps=steps, guidance=guidance)
    changed = GenerationSettings.model_validate(
        {
            **settings.model_dump(),
            "sampling": settings.sampling.changed_by(said),
            "stages": {name: sampling.changed_by(said) for name, sampling in settings.stages.items()},
            "start": start or settings.start,
            "stop_after": stop_after or settings.stop_after,
        }
    )
    given = seeds if seeds is not None else [0] * len(prompts)
    before: Counter[tuple[str, int]] = Counter()
    requests = []
    for prompt, seed in zip(prompts, given, strict=True):
        requests.append(Request(stable_id(prompt), prompt, seconds, seed, before[prompt, seed], init=init, keep=tuple(keep)))
        before[prompt, seed] += 1
    return generate_requests(cascade.changed(changed), requests)


def generate_requests(cascade: Cascade, requests: Sequence[Request], workers: int = 1) -> list[Made | RowError]:
    """A clip or what is wrong with it for each request, in their order.

    On a CPU every clip is made alone on one thread of torch, so that it has the same bits whatever else is asked for. workers: threads
    that do so; their number changes no bit. On a GPU clips of one length go together, settings.batch at once.
    """
    planned = [_planned(request, cascade) for request in requests]
    plans = [(place, plan) for place, plan in enumerate(planned) if isinstance(plan, Plan)]
    texts = _texts(cascade, [plan for _, plan in plans])
    made: list[Made | RowError | None] = [plan if isinstance(plan, RowError) else None for plan in planned]
    batches = _batches(cascade, plans)
    with ThreadPoolExecutor(max(1, workers) if cascade.device.type == "cpu" else 1) as pool:
        for batch, clips in zip(batches, pool.map(lambda batch: _make(cascade, [plan for _, plan in batch], texts), batches), strict=True):
            for (place, _), clip in zip(batch, clips, strict=True):
                made[place] = clip
    return [clip for clip in made if clip is not None]


def read_ahead(cascade: Cascade, texts: Iterable[str]) -> None:
    """Embed what many calls will ask for, where memory is short, so that the text encoder is loaded once for all of them."""
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
    said = [text for plan in plans for text in (plan.request.prompt, plan.request.negative) if text]
    with cascade.networks.lock:
        found = cascade.texts.embed(said, lengths)
        if cascade.networks.one_at_a_time:
            cascade.texts.free()
    return found


def _batches(cascade: Cascade, plans: Sequence[tuple[int, Plan]]) -> list[list[tuple[int, Plan]]]:
    """One by one on a CPU. On a GPU clips of one length go together, those that keep audio apart: they are sampled in another way."""
    if cascade.device.type == "cpu":
        return [[plan] for plan in plans]

    def kind(each: tuple[int, Plan]) -> tuple[int, bool]:
        return each[1].frames, each[1].sound is not None

    size = cascade.settings.batch
    grouped = [list(group) for _, group in groupby(sorted(plans, key=kind), key=kind)]
    return [group[start : start + size] for group in grouped for start in range(0, len(group), size)]


def _make(cascade: Cascade, plans: Sequence[Plan], texts: Texts) -> list[Made | RowError]:
    if cascade.device.type == "cpu":
        with one_thread():
            drawn = run_chain(cascade, plans, texts)
            return [_finished(cascade, plan, signal, texts) for plan, signal in zip(plans, drawn, strict=True)]
    try:
        # Convolutions in TF32 would not be fp32, and cuDNN's fastest algorithm of the day not the same one twice.
        with cascade.networks.lock, torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=cascade.half):
            drawn = run_chain(cascade, plans, texts)
    except torch.OutOfMemoryError as error:
        return _in_halves(cascade, plans, texts, error)
    return [_finished(cascade, plan, signal, texts) for plan, signal in zip(plans, drawn, strict=True)]


def _in_halves(cascade: Cascade, plans: Sequence[Plan], texts: Texts, error: torch.OutOfMemoryError) -> list[Made | RowError]:
    """Fewer clips at once. Raises UserError where a single one does not fit."""
    if len(plans) == 1:
        raise UserError(
            f"the GPU's memory does not hold one clip of {plans[0].request.seconds:g} s ({first_line(error)}). Use another "
            "device, or smaller chunk_seconds."
        ) from error
    torch.cuda.empty_cache()
    middle = len(plans) // 2
    return [*_make(cascade, plans[:middle], texts), *_make(cascade, plans[middle:], texts)]


def _finished(cascade: Cascade, plan: Plan, drawn: Drawn | RowError, texts: Texts) -> Made | RowError:
    """What the last stage drew as a clip of the length that was asked for, looked over."""
    if isinstance(drawn, RowError):
        return drawn
    stage, request, rate = cascade.stages[-1], plan.request, cascade.rate
    cut, warnings = _cut_tokens(cascade, request.prompt, texts), list(plan.warnings)
    if cut:
        warnings.append(f"prompt cut by {cut} tokens")
    if request.negative and (negative_cut := _cut_tokens(cascade, request.negative, texts)):
        warnings.append(f"negative prompt cut by {negative_cut} tokens")
    if stage.signal.domain == "log_mel":
        spectrogram = np.ascontiguousarray(drawn.x0[:, : plan.frames].numpy(), np.float32)
        nothing = np.zeros(0, np.float32)
        return Made(request, nothing, rate, spectrogram, FLOOR_DBFS, 0.0, cut, drawn.calls, tuple(warnings))
    samples, fade = max(1, round(request.seconds * rate)), cascade.settings.fade_seconds
    unheld = in_full_scale(stage, drawn.x0[None])[0, 0, :samples].numpy()
    gain = held_gain(unheld) if plan.sound is None else 1.0
    kept = kept_places(plan, rate, samples, fade)
    try:
        warnings += check_audio(unheld[~kept], gain)
    except RowError as error:
        return error
    whole = with_kept(unheld * np.float32(gain), plan, rate, fade)
    if beyond := int((np.abs(whole[kept]) > 1.0).sum()):
        warnings.append(f"kept audio clipped {100 * beyond / int(kept.sum()):.2g} %")
    audio = np.clip(whole, -1.0, 1.0).astype(np.float32)
    return Made(request, audio, rate, None, level_dbfs(audio), float(np.abs(audio).max()), cut, drawn.calls, tuple(warnings))


def _cut_tokens(cascade: Cascade, text: str, texts: Texts) -> int:
    """Of the stage that reads the least of it."""
    return max((texts[text, stage.tokens].cut for stage in cascade.stages if stage.tokens), default=0)
