"""Data consistency: the part of a signal that its source determines is taken from the source.

A source of a lower rate determines the band below its half rate, and a spectrogram the magnitudes of a waveform. A network leaves noise
there, which this removes: the band by range-null space decomposition (Wang et al. 2023), the magnitudes by Griffin and Lim's method.
"""

import torch
from torch import Tensor

from noise2music.models.cascade.stage import Stage
from noise2music.models.cascade.training_pairs import in_full_scale, in_network_units
from noise2music.models.cascade.windows import windows
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.signal.griffin_lim import griffin_lim
from noise2music.models.signal.inpainting import Inpainting
from noise2music.models.signal.log_mel import LOG_MEL
from noise2music.models.signal.resample import downsample, fft_upsample

# Frames of a spectrogram in one window (10 s), and the least that neighbours share.
WINDOW_FRAMES, SHARED_FRAMES = 1000, 100


def data_consistency(stage: Stage, x0: Tensor, inputs: Inputs, inpainting: Inpainting | None = None) -> Tensor:
    """x0 (B, C, T) in network units -> x0 consistent with its conditions; the same object where the stage's sampling has no iterations.

    inpainting: the known part, which stays as it is, in network units.
    """
    if stage.source is None or stage.sampling.consistency_iters == 0:
        return x0
    wave = in_full_scale(stage, x0)
    if inputs.local_cond is not None:
        known = None if inpainting is None else Inpainting(in_full_scale(stage, inpainting.signal), inpainting.mask)
        wave = _griffin_lim_in_windows(wave, inputs.local_cond, stage.sampling.consistency_iters, known)
    if inputs.concat_cond is not None:
        wave = wave + _low_band(in_full_scale(stage, inputs.concat_cond) - wave, stage.signal.rate, stage.source.signal.rate)
    consistent = in_network_units(stage, wave)
    return consistent if inpainting is None else inpainting.apply(consistent)


def _griffin_lim_in_windows(wave: Tensor, spectrogram: Tensor, iters: int, inpainting: Inpainting | None) -> Tensor:
    """`griffin_lim` of (B, 1, frames * hop) in windows, so that memory does not grow with the length."""
    hop, joined = LOG_MEL.hop, torch.zeros_like(wave)
    for window in windows(spectrogram.shape[-1], length=WINDOW_FRAMES, overlap=SHARED_FRAMES, halo=0, stride=1):
        start, end = window.start * hop, window.end * hop
        known = None if inpainting is None else inpainting.between(start, end)
        part = griffin_lim(wave[..., start:end], spectrogram[..., window.start : window.end], iters, known)
        first, last = window.rise[0], window.fall[1]
        counted = part[..., (first - window.start) * hop : (last - window.start) * hop]
        joined[..., first * hop : last * hop] += counted * window.weight().to(wave).repeat_interleave(hop)
    return joined


def _low_band(wave: Tensor, rate: int, source_rate: int) -> Tensor:
    """The band of a waveform (B, 1, T) that the lower rate can hold."""
    return fft_upsample(downsample(wave[:, 0], rate, source_rate), source_rate, rate)[:, None]
