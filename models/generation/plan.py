"""A request, checked: how long, from what audio, and which of it stays."""

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
from noise2music.models.generation.request import Request, Sound

MAX_SECONDS = 600.0
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp", "Zs")
"""Unicode's categories of control characters, formats of zero width, halves of pairs and spaces."""

Span = tuple[float, float]
"""Seconds [from, to)."""


@dataclass(frozen=True)
class Plan:
    """A request that can be made. frames: hundredths of a second. spans: what is kept of `sound`, apart from each other and rising.

    sound: the init audio at 24 kHz, where some of it is kept. warnings: what is already known.
    """

    request: Request
    frames: int
    spans: tuple[Span, ...]
    sound: Float32s | None
    warnings: tuple[str, ...]


def plan_request(request: Request, stages: Sequence[Stage]) -> Plan:
    """What the stages are to do for a request. Raises RowError where it cannot be made."""
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
        return Plan(request, frames, (), None, tuple(warnings))
    _check_sound(request.init)
    sound = within_full_scale(request.init)
    if sound is not request.init:
        down = 20 * math.log10(peak_of(request.init.audio) / peak_of(sound.audio))
        warnings.append(f"init audio beyond full scale, turned down by {down:.1f} dB")
        request = replace(request, init=sound)
    spans = _spans(request, sound, late=first.source is not None)
    if first.source is not None:
        if sound.seconds < request.seconds - 0.01:
            asked = f"{request.seconds:g} s are asked for"
            raise RowError("init_too_short", f"the init audio that the {first.name} starts from lasts {sound.seconds:.2f} s, and {asked}")
        if sound.rate < first.source.signal.rate:
            warnings.append(f"init audio of {sound.rate} Hz where the {first.name} reads {first.source.signal.rate} Hz")
    if not spans:
        return Plan(request, frames, (), None, tuple(warnings))
    if spans[0][0] <= 0 and spans[0][1] >= request.seconds:
        warnings.append("kept audio fills the clip: nothing was made; ask for more seconds, or keep less")
    made = stages[-1].signal.rate
    if sound.rate < made:
        warnings.append(f"kept audio of {sound.rate} Hz in a clip of {made} Hz")
    return Plan(request, frames, spans, resample(sound.audio, sound.rate, CORPUS_RATE), tuple(warnings))


def within_full_scale(sound: Sound) -> Sound:
    """The same, turned down where it goes beyond full scale (core.audio.encode, the rule for shards too); the same object where not."""
    gain = full_scale_gain(sound.audio, peak_of(sound.audio))
    return sound if gain == 1 else replace(sound, audio=sound.audio * np.float32(gain))


def says_something(text: str) -> bool:
    """Whether any of it can be seen: no space, no control character, nothing of zero width."""
    return any(unicodedata.category(character) not in _UNSEEN for character in text)


def _check_sound(sound: Sound) -> None:
    if not 1_000 <= sound.rate <= 768_000:
        raise RowError("bad_init", f"the init audio has a rate of {sound.rate} Hz")
    if sound.audio.ndim != 1 or not len(sound.audio):
        raise RowError("bad_init", f"the init audio has the shape {sound.audio.shape}; it is mono, one number a sample")
    if not np.isfinite(sound.audio).all():
        raise RowError("bad_init", "the init audio holds numbers that are not finite")


def _spans(request: Request, sound: Sound, late: bool) -> tuple[Span, ...]:
    """What is kept, within the clip, joined where it touches."""
    wanted = request.keep or (() if late else ((0.0, sound.seconds),))
    for start, end in wanted:
        if not (math.isfinite(start) and math.isfinite(end) and 0 <= start < end) or start >= request.seconds:
            raise RowError("bad_keep", f"from {start:g} to {end:g} s shall be kept, of a clip of {request.seconds:g} s")
        if end > sound.seconds + 1.0 / sound.rate:
            raise RowError("init_too_short", f"up to {end:g} s of the init audio shall be kept, and it lasts {sound.seconds:.2f} s")
    joined: list[Span] = []
    for start, end in sorted((start, min(end, request.seconds)) for start, end in wanted):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)
