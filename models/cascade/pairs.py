"""24 kHz audio becomes the training pair of any stage: the data it shall learn, and what conditions it."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from models.cascade.stage import CORPUS_RATE, FRAME_SAMPLES, Signal, Source, Stage
from models.diffusion.schedule import diffuse
from models.network.inputs import Inputs
from models.signal.blur import blur
from models.signal.log_mel import LOG_MEL
from models.signal.resample import downsample, fft_upsample

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
    x0 = signal_of(stage.signal, audio, stage.scale)
    places = torch.arange(x0.shape[-1], device=audio.device)
    step = FRAME_SAMPLES if stage.signal.domain == "log_mel" else CORPUS_RATE / stage.signal.rate
    real = places * step < valid.to(audio.device)[:, None]
    inputs = Inputs()
    if stage.source is not None:
        clean = source_of(stage, stage.source, signal_of(stage.source.signal, audio, stage.scale))
        inputs = _augment(stage, stage.source, clean, uniform, normal)
    return Pair(x0, real[:, None].float(), inputs)


def signal_of(signal: Signal, audio: Tensor, scale: float) -> Tensor:
    """(B, samples) at 24 kHz -> (B, C, T) in network units: a waveform times `scale`, or the scaled log-mel spectrogram."""
    wave = downsample(audio, CORPUS_RATE, signal.rate)
    return LOG_MEL(wave) if signal.domain == "log_mel" else wave[:, None] * scale


def source_of(stage: Stage, source: Source, signal: Tensor) -> Tensor:
    """The source's signal (B, C, T') -> as it enters the network: upsampled to the stage's rate where it is stacked."""
    if source.enters == "aligned":
        return signal
    return fft_upsample(signal[:, 0], source.signal.rate, stage.signal.rate)[:, None]


def true_inputs(stage: Stage, audio: Tensor) -> Inputs:
    """Crops (B, samples) at 24 kHz -> what conditions a stage when the stage before it made no mistake, without text."""
    if stage.source is None:
        return Inputs()
    return clean_inputs(stage, stage.source, source_of(stage, stage.source, signal_of(stage.source.signal, audio, stage.scale)))


def conditioned(source: Source, entering: Tensor, level: Tensor) -> Inputs:
    """What enters (B, C, T) and the lambda of its noise (B,) -> the inputs of the network."""
    if source.enters == "aligned":
        return Inputs(aligned=entering, level=level)
    return Inputs(stacked=entering, level=level)


def clean_inputs(stage: Stage, source: Source, entering: Tensor) -> Inputs:
    """Inputs of a source without augmentation, as in use: the network is told the level of time 0."""
    level = stage.schedule(torch.zeros(len(entering), device=entering.device))
    return conditioned(source, entering, level)


def _augment(stage: Stage, source: Source, clean: Tensor, uniform: Uniforms, normal: Normals) -> Inputs:
    blurred = clean
    if source.blur is not None:
        share = uniform("blur").to(clean)
        deviations = source.blur.low + (source.blur.high - source.blur.low) * share
        blurred = blur(clean, source.blur.size, deviations, both_axes=source.signal.domain == "log_mel")
    level = stage.schedule(source.t_max * uniform("augmentation time")).to(clean)
    return conditioned(source, diffuse(blurred, normal("augmentation", tuple(clean.shape[1:])), level), level)
