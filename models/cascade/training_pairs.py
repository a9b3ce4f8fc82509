"""24 kHz audio becomes the training pair of any stage: the data that it learns, and its conditions."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from noise2music.models.cascade.stage import CORPUS_RATE, FRAME_SAMPLES, Signal, Source, Stage
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.schedule import diffuse
from noise2music.models.signal.filters import blur, deemphasise, emphasise
from noise2music.models.signal.log_mel import LOG_MEL
from noise2music.models.signal.resample import downsample, fft_upsample

Uniforms = Callable[[str], Tensor]
"""Purpose -> (B,) uniform numbers."""

Normals = Callable[[str, tuple[int, ...]], Tensor]
"""Purpose and shape -> (B, *shape) standard normal numbers."""


@dataclass(frozen=True)
class Pair:
    """x0 (B, C, T) in network units, mask (B, 1, T) with 1 where x0 is audio and 0 where it is padding, inputs without text."""

    x0: Tensor
    mask: Tensor
    inputs: Inputs


def make_pair(stage: Stage, audio: Tensor, valid: Tensor, uniform: Uniforms, normal: Normals) -> Pair:
    """Crops (B, samples) of mono audio at 24 kHz, whole frames long, with `valid` (B,) real samples each -> the pair, on their device."""
    x0 = x0_of(stage, audio)
    places = torch.arange(x0.shape[-1], device=audio.device)
    step = FRAME_SAMPLES if stage.signal.domain == "log_mel" else CORPUS_RATE / stage.signal.rate
    real = places * step < valid.to(audio.device)[:, None]
    inputs = Inputs()
    if stage.source is not None:
        clean = entering(stage, stage.source, signal_of(stage.source.signal, audio))
        inputs = _augment(stage, stage.source, clean, uniform, normal)
    return Pair(x0, real[:, None].float(), inputs)


def signal_of(signal: Signal, audio: Tensor) -> Tensor:
    """(B, samples) at 24 kHz -> (B, C, T): a waveform of full scale 1, or the scaled log-mel spectrogram."""
    wave = downsample(audio, CORPUS_RATE, signal.rate)
    return LOG_MEL(wave) if signal.domain == "log_mel" else wave[:, None]


def x0_of(stage: Stage, audio: Tensor) -> Tensor:
    """(B, samples) at 24 kHz -> the stage's data, (B, C, T) in network units."""
    return in_network_units(stage, signal_of(stage.signal, audio))


def in_network_units(stage: Stage, signal: Tensor) -> Tensor:
    """A waveform at the stage's rate -> emphasised and scaled; a spectrogram as it is."""
    return signal if stage.signal.domain == "log_mel" else emphasise(signal, stage.emphasis) * stage.scale


def in_full_scale(stage: Stage, x0: Tensor) -> Tensor:
    """The inverse of `in_network_units`."""
    return x0 if stage.signal.domain == "log_mel" else deemphasise(x0 / stage.scale, stage.emphasis)


def entering(stage: Stage, source: Source, signal: Tensor) -> Tensor:
    """The source's signal (B, C, T') -> as it enters the network: as concat_cond, at the stage's rate and in its units."""
    if source.enters == "local_cond":
        return signal
    return in_network_units(stage, fft_upsample(signal[:, 0], source.signal.rate, stage.signal.rate)[:, None])


def true_inputs(stage: Stage, audio: Tensor) -> Inputs:
    """Crops (B, samples) at 24 kHz -> the inputs of a stage behind one that makes no mistake, without text."""
    if stage.source is None:
        return Inputs()
    return clean_inputs(stage, stage.source, entering(stage, stage.source, signal_of(stage.source.signal, audio)))


def inputs_of(source: Source, signal: Tensor, aug_log_snr: Tensor) -> Inputs:
    """The condition (B, C, T) and the log SNR of its noise (B,) -> the inputs of the network, without text."""
    if source.enters == "local_cond":
        return Inputs(local_cond=signal, aug_log_snr=aug_log_snr)
    return Inputs(concat_cond=signal, aug_log_snr=aug_log_snr)


def clean_inputs(stage: Stage, source: Source, signal: Tensor) -> Inputs:
    """Inputs of a source without augmentation, as in use: the log SNR is that of time 0."""
    aug_log_snr = stage.schedule(torch.zeros(len(signal), device=signal.device))
    return inputs_of(source, signal, aug_log_snr)


def _augment(stage: Stage, source: Source, clean: Tensor, uniform: Uniforms, normal: Normals) -> Inputs:
    blurred = clean
    if source.blur is not None:
        share = uniform("blur").to(clean)
        deviations = source.blur.low + (source.blur.high - source.blur.low) * share
        blurred = blur(clean, source.blur.size, deviations, both_axes=source.signal.domain == "log_mel")
    aug_log_snr = stage.schedule(source.t_max * uniform("augmentation time")).to(clean)
    return inputs_of(source, diffuse(blurred, normal("augmentation", tuple(clean.shape[1:])), aug_log_snr), aug_log_snr)
