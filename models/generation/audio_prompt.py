"""An audio prompt as a stage sees it: the signal that it starts from, and the known part that inpainting keeps.

The kept part fades into the new part over a short cross-fade, which lies inside the kept part. Between the edge and that fade lies a margin
that counts as unknown. There, a filter of the stage's signal reaches beyond the edge: the low-pass of a lower rate, or the window of a
spectrogram's frame.
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
from noise2music.models.generation.request import AudioPrompt
from noise2music.models.signal.inpainting import Inpainting
from noise2music.models.signal.log_mel import LOG_MEL
from noise2music.models.signal.resample import ROLLOFF, ZEROS

# The window of a spectrogram needs some signal to reflect at its ends.
_LEAST_FRAMES = 8


def source_signal(audio_prompt: AudioPrompt, signal: Signal, frames: int) -> Tensor:
    """An audio prompt as the signal (1, C, T) that a stage starts from: resampled to its rate, padded with silence or cut."""
    audio = _fitted(resample(audio_prompt.audio, audio_prompt.rate, signal.rate), max(frames, _LEAST_FRAMES) * signal.rate // 100)
    if signal.domain == "log_mel":
        return LOG_MEL(audio)[..., :frames]
    return audio[:, None, : frames * signal.rate // 100]


def inpainting_of(plan: Plan, stage: Stage, frames: int, fade: float) -> Inpainting | None:
    """The known part of the first `frames` of a stage's signal; None where there is none."""
    if plan.init_audio is None:
        return None
    signal = x0_of(stage, _fitted(plan.init_audio, max(frames, _LEAST_FRAMES) * FRAME_SAMPLES))
    positions = stage.positions(frames * FRAME_SAMPLES)
    mask = _mask(plan.spans, stage.signal, positions, fade, back=1 if stage.emphasis else 0)
    return Inpainting(signal[..., :positions], mask[None, None])


def paste_init(audio: Float32s, plan: Plan, rate: int, fade: float) -> Float32s:
    """The audio (samples,) of the cascade with the kept samples of the prompt in their places, bit for bit at this rate."""
    if plan.init_audio is None:
        return audio
    init = resample(plan.init_audio, CORPUS_RATE, rate) if rate != CORPUS_RATE else plan.init_audio
    init = _fitted(init, len(audio))[0].numpy()
    mask = _mask(plan.spans, Signal("wave", rate), len(audio), fade, end=len(audio) / rate).numpy()
    return np.where(mask == 1, init, audio + mask * (init - audio)).astype(np.float32)


def init_mask(plan: Plan, rate: int, samples: int, fade: float) -> npt.NDArray[np.bool_]:
    """(samples,): True where the audio is the prompt's alone."""
    if plan.init_audio is None:
        return np.zeros(samples, np.bool_)
    return np.asarray(_mask(plan.spans, Signal("wave", rate), samples, fade, end=samples / rate).numpy() == 1)


def _mask(spans: tuple[Span, ...], signal: Signal, positions: int, fade: float, end: float | None = None, back: int = 0) -> Tensor:
    """(positions,) float32, 1 where the signal is known, with a fade of `fade` seconds inside each inner edge.

    end: seconds where the clip ends, so that a span up to there has no edge; None where the signal goes on. back: how many samples before
    its own a sample of the signal depends on.
    """
    spectral = signal.domain == "log_mel"
    rate = CORPUS_RATE // FRAME_SAMPLES if spectral else signal.rate
    times = (torch.arange(positions, dtype=torch.float64) + (0.0 if spectral else 0.5)) / rate
    margin = ZEROS / ROLLOFF / signal.rate if signal.rate < CORPUS_RATE else 0.0
    margin += back / signal.rate
    if spectral:
        margin += LOG_MEL.n_fft / 2 / LOG_MEL.rate
    mask = torch.zeros(positions, dtype=torch.float64)
    for first, last in spans:
        from_start = times - first if first > 0 else torch.full_like(times, torch.inf)
        to_end = last - times if end is None or last < end - 0.5 / rate else torch.full_like(times, torch.inf)
        inside = torch.minimum(from_start, to_end)
        rising = ((inside - margin) / fade).clamp(0, 1) if fade else (inside > margin).double()
        mask = torch.maximum(mask, torch.where(inside > 0, rising, 0.0))
    return mask.float()


def _fitted(audio: Float32s, samples: int) -> Tensor:
    """(n,) -> (1, samples): cut, or silence behind."""
    fitted = torch.from_numpy(np.ascontiguousarray(audio[:samples]))
    return functional.pad(fitted, (0, samples - len(fitted)))[None]
