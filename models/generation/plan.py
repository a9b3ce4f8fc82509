"""A plan is a checked request: its length, its audio prompt, and the part of that which stays."""

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.encode import full_scale_gain, peak_of
from noise2music.core.audio.resample import resample
from noise2music.core.errors import RowError
from noise2music.models.cascade.stage import CORPUS_RATE, Stage
from noise2music.models.generation.lengths import frames_of, trained_frames
from noise2music.models.generation.request import AudioPrompt, Request

MAX_SECONDS = 600.0
# Unicode's categories of control characters, formats of zero width, halves of pairs and spaces.
_INVISIBLE = ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")

Span = tuple[float, float]
"""Seconds [from, to)."""


@dataclass(frozen=True)
class Plan:
    """A request that can be made. frames: hundredths of a second. spans: the parts of `init_audio` that stay, apart and ascending.

    init_audio: the audio prompt at 24 kHz, where some of it stays; otherwise None. warnings: those of the request itself.
    """

    request: Request
    frames: int
    spans: tuple[Span, ...]
    init_audio: Float32s | None
    warnings: tuple[str, ...]


def plan_request(request: Request, stages: Sequence[Stage]) -> Plan:
    """The plan of a request for these stages. Raises RowError where it cannot be made."""
    if not says_something(request.prompt) and any(stage.tokens for stage in stages):
        raise RowError("empty_prompt", "the prompt is empty, and there is nothing to make music of")
    if not 0 < request.seconds <= MAX_SECONDS:
        raise RowError(
            "bad_seconds", f"{request.seconds:g} seconds are asked for; a clip lasts more than 0 and at most {MAX_SECONDS:g} seconds"
        )
    frames, first = frames_of(request.seconds), stages[0]
    warnings = []
    if first.source is None and frames > trained_frames(first):
        warnings.append(f"longer than trained ({trained_frames(first) / 100:g} s)")
    if request.init is None:
        if first.source is not None:
            raise RowError("no_init", f"the cascade starts with the {first.name}, and there is no init audio for it to start from")
        if request.keep:
            raise RowError("no_init", "some audio shall be kept, and there is no init audio")
        return Plan(request, frames, spans=(), init_audio=None, warnings=tuple(warnings))
    _check_audio_prompt(request.init)
    audio_prompt = within_full_scale(request.init)
    if audio_prompt is not request.init:
        down = 20 * math.log10(peak_of(request.init.audio) / peak_of(audio_prompt.audio))
        warnings.append(f"init audio beyond full scale, turned down by {down:.1f} dB")
        request = replace(request, init=audio_prompt)
    spans = _spans(request, audio_prompt, late=first.source is not None)
    if first.source is not None:
        if audio_prompt.seconds < request.seconds - 0.01:
            length = f"lasts {audio_prompt.seconds:.2f} s, and {request.seconds:g} s are asked for"
            raise RowError("init_too_short", f"the init audio that the {first.name} starts from {length}")
        if audio_prompt.rate < first.source.signal.rate:
            warnings.append(f"init audio of {audio_prompt.rate} Hz where the {first.name} reads {first.source.signal.rate} Hz")
    if not spans:
        return Plan(request, frames, spans=(), init_audio=None, warnings=tuple(warnings))
    if spans[0][0] <= 0 and spans[0][1] >= request.seconds:
        warnings.append("kept audio fills the clip: nothing was made; ask for more seconds, or keep less")
    rate = stages[-1].signal.rate
    if audio_prompt.rate < rate:
        warnings.append(f"kept audio of {audio_prompt.rate} Hz in a clip of {rate} Hz")
    init_audio = resample(audio_prompt.audio, audio_prompt.rate, CORPUS_RATE)
    return Plan(request, frames, spans=spans, init_audio=init_audio, warnings=tuple(warnings))


def within_full_scale(audio_prompt: AudioPrompt) -> AudioPrompt:
    """The same, turned down where it goes beyond full scale (core.audio.encode, the rule for shards too); the same object where not."""
    gain = full_scale_gain(audio_prompt.audio, peak_of(audio_prompt.audio))
    return audio_prompt if gain == 1 else replace(audio_prompt, audio=audio_prompt.audio * np.float32(gain))


def says_something(text: str) -> bool:
    """Whether any of it can be seen: no space, no control character, nothing of zero width."""
    return any(unicodedata.category(character) not in _INVISIBLE for character in text)


def _check_audio_prompt(audio_prompt: AudioPrompt) -> None:
    if not 1_000 <= audio_prompt.rate <= 768_000:
        raise RowError("bad_init", f"the init audio has a rate of {audio_prompt.rate} Hz")
    if audio_prompt.audio.ndim != 1 or not len(audio_prompt.audio):
        raise RowError("bad_init", f"the init audio has the shape {audio_prompt.audio.shape}; it is mono, one number a sample")
    if not np.isfinite(audio_prompt.audio).all():
        raise RowError("bad_init", "the init audio holds numbers that are not finite")


def _spans(request: Request, audio_prompt: AudioPrompt, late: bool) -> tuple[Span, ...]:
    """The parts of the audio prompt that stay, within the clip; those that touch are one."""
    parts = request.keep or (() if late else ((0.0, audio_prompt.seconds),))
    for start, end in parts:
        if not (math.isfinite(start) and math.isfinite(end) and 0 <= start < end) or start >= request.seconds:
            raise RowError("bad_keep", f"from {start:g} to {end:g} s shall be kept, of a clip of {request.seconds:g} s")
        if end > audio_prompt.seconds + 1.0 / audio_prompt.rate:
            raise RowError("init_too_short", f"up to {end:g} s of the init audio shall be kept, and it lasts {audio_prompt.seconds:.2f} s")
    spans: list[Span] = []
    for start, end in sorted((start, min(end, request.seconds)) for start, end in parts):
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
        else:
            spans.append((start, end))
    return tuple(spans)
