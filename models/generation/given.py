"""Given audio as a stage sees it: what it starts from, and what of its signal is known.

What is kept fades into what is made inside the kept part, over a short cross-fade. Before that fade a margin counts as unknown, in which
a filter of the stage's signal would have looked beyond the kept part: the low-pass of a lower rate, the window of a spectrogram's frame.
"""

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn import functional

from noise2music.core.arrays import Float32s
from noise2music.core.audio.resample import resample
from noise2music.models.cascade.stage import CORPUS_RATE, FRAME_SAMPLES, Signal, Stage
from noise2music.models.cascade.training_pairs import x0_of
from noise2music.models.generation.plan import Plan, Span
from noise2music.models.generation.request import Sound
from noise2music.models.signal.known import Known
from noise2music.models.signal.log_mel import LOG_MEL
from noise2music.models.signal.resample import ROLLOFF, ZEROS

_LEAST_FRAMES = 8
"""A spectrogram's window needs some signal to reflect at its ends."""


def source_signal(sound: Sound, signal: Signal, frames: int) -> Tensor:
    """Given audio as the signal (1, C, T) that a stage starts from: resampled to its rate, padded with silence or cut."""
    audio = _fitted(resample(sound.audio, sound.rate, signal.rate), max(frames, _LEAST_FRAMES) * signal.rate // 100)
    if signal.domain == "log_mel":
        return LOG_MEL(audio)[..., :frames]
    return audio[:, None, : frames * signal.rate // 100]


def known_part(plan: Plan, stage: Stage, frames: int, fade: float) -> Known | None:
    """What is known of the first `frames` of a stage's signal; None where nothing is."""
    if plan.sound is None:
        return None
    signal = x0_of(stage, _fitted(plan.sound, max(frames, _LEAST_FRAMES) * FRAME_SAMPLES))
    positions = stage.positions(frames * FRAME_SAMPLES)
    weight = _weight(plan.spans, stage.signal, positions, fade, back=1 if stage.emphasis else 0)
    return Known(signal[..., :positions], weight[None, None])


def with_kept(audio: Float32s, plan: Plan, rate: int, fade: float) -> Float32s:
    """The made audio (samples,) with the kept samples in their places, exactly as they were given at this rate."""
    if plan.sound is None:
        return audio
    given = resample(plan.sound, CORPUS_RATE, rate) if rate != CORPUS_RATE else plan.sound
    given = _fitted(given, len(audio))[0].numpy()
    weight = _weight(plan.spans, Signal("wave", rate), len(audio), fade, len(audio) / rate).numpy()
    return np.where(weight == 1, given, audio + weight * (given - audio)).astype(np.float32)


def kept_places(plan: Plan, rate: int, samples: int, fade: float) -> npt.NDArray[np.bool_]:
    """(samples,): where the audio is the given one alone."""
    if plan.sound is None:
        return np.zeros(samples, np.bool_)
    return np.asarray(_weight(plan.spans, Signal("wave", rate), samples, fade, samples / rate).numpy() == 1)


def _weight(spans: tuple[Span, ...], signal: Signal, positions: int, fade: float, end: float | None = None, back: int = 0) -> Tensor:
    """(positions,) float32, 1 where the signal is known, with `fade` seconds inside each inner edge. end: seconds where the clip ends,
    so that a span up to there has no edge; None where the signal goes on. back: samples before its own that a sample was made of.
    """
    spectral = signal.domain == "log_mel"
    rate = CORPUS_RATE // FRAME_SAMPLES if spectral else signal.rate
    times = (torch.arange(positions, dtype=torch.float64) + (0.0 if spectral else 0.5)) / rate
    margin = ZEROS / ROLLOFF / signal.rate if signal.rate < CORPUS_RATE else 0.0
    margin += back / signal.rate
    if spectral:
        margin += LOG_MEL.n_fft / 2 / LOG_MEL.rate
    weight = torch.zeros(positions, dtype=torch.float64)
    for first, last in spans:
        from_start = times - first if first > 0 else torch.full_like(times, torch.inf)
        to_end = last - times if end is None or last < end - 0.5 / rate else torch.full_like(times, torch.inf)
        inside = torch.minimum(from_start, to_end)
        rising = ((inside - margin) / fade).clamp(0, 1) if fade else (inside > margin).double()
        weight = torch.maximum(weight, torch.where(inside > 0, rising, 0.0))
    return weight.float()


def _fitted(audio: Float32s, samples: int) -> Tensor:
    """(n,) -> (1, samples): cut, or silence behind."""
    fitted = torch.from_numpy(np.ascontiguousarray(audio[:samples]))
    return functional.pad(fitted, (0, samples - len(fitted)))[None]
