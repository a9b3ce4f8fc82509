"""What a stage made is made to agree with what it was made from, as far as that is known.

A source says all of a part of the signal: the band below its half rate of a waveform, the magnitudes of a spectrogram. A network leaves
noise there that need not be. Range-null space (Wang et al. 2023) for the former, Griffin and Lim's projections for the latter.
"""

import torch
from torch import Tensor

from noise2music.models.cascade.stage import Stage
from noise2music.models.cascade.training_pairs import in_full_scale, in_network_units
from noise2music.models.cascade.windows import windows
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.signal.griffin_lim import drawn_towards
from noise2music.models.signal.known import Known
from noise2music.models.signal.log_mel import LOG_MEL
from noise2music.models.signal.resample import downsample, fft_upsample

WINDOW_FRAMES, SHARED_FRAMES = 1000, 100
"""Frames of a spectrogram that are worked on at once (10 s), and how many of them neighbours share at least."""


def agreeing(stage: Stage, x0: Tensor, inputs: Inputs, known: Known | None = None) -> Tensor:
    """x0 (B, C, T) in network units -> the same, drawn towards what conditioned it; unchanged where the stage's sampling asks for none.

    known: what stays as it is, in network units.
    """
    if stage.source is None or stage.sampling.projections == 0:
        return x0
    made = in_full_scale(stage, x0)
    if inputs.aligned is not None:
        staying = None if known is None else Known(in_full_scale(stage, known.signal), known.weight)
        made = _towards(made, inputs.aligned, stage.sampling.projections, staying)
    if inputs.stacked is not None:
        made = made + _below(in_full_scale(stage, inputs.stacked) - made, stage.signal.rate, stage.source.signal.rate)
    agreed = in_network_units(stage, made)
    return agreed if known is None else known.held(agreed)


def _towards(wave: Tensor, spectrogram: Tensor, projections: int, known: Known | None) -> Tensor:
    """A waveform (B, 1, frames * hop) drawn towards its spectrogram (B, mels, frames), in windows, so that memory does not grow with it."""
    hop, drawn = LOG_MEL.hop, torch.zeros_like(wave)
    for window in windows(spectrogram.shape[-1], WINDOW_FRAMES, SHARED_FRAMES, 0, 1):
        start, end = window.start * hop, window.end * hop
        staying = None if known is None else known.between(start, end)
        part = drawn_towards(wave[..., start:end], spectrogram[..., window.start : window.end], projections, staying)
        first, last = window.rise[0], window.fall[1]
        counted = part[..., (first - window.start) * hop : (last - window.start) * hop]
        drawn[..., first * hop : last * hop] += counted * window.weight().to(wave).repeat_interleave(hop)
    return drawn


def _below(wave: Tensor, rate: int, source_rate: int) -> Tensor:
    """What of a waveform (B, 1, T) the lower rate can hold."""
    return fft_upsample(downsample(wave[:, 0], rate, source_rate), source_rate, rate)[:, None]
