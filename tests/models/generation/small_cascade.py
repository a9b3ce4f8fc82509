"""A cascade whose networks have a few thousand parameters, on disk as training leaves it."""

from dataclasses import replace
from pathlib import Path

import torch

from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.stage import STAGES, Stage, StageName
from noise2music.models.cascade.weights import DataFacts, Level, TextIdentity, WeightsHeader, software, write_weights
from noise2music.models.diffusion.steps import uniform
from noise2music.models.network.shape import UNetShape
from noise2music.models.network.unet import UNet
from noise2music.models.text.load import MiniLMEncoder

STEPS = 3


def small_stage(name: StageName) -> Stage:
    """A tiny stage made smaller still: two depths, 3 steps, a training length of 0.64 s, guidance 2 where there is text.

    Less emphasis, since taking it back makes the slow drift of random networks loud.
    """
    stage = stage_of("tiny", name)
    unet = stage.unet
    strides = {"spectrogram-generator": (2, 2), "vocoder": (10, 16)}.get(name, (4, 4))
    shape = UNetShape(
        channels_in=unet.channels_in,
        channels_out=unet.channels_out,
        width=16 if stage.signal.domain == "log_mel" else 8,
        kernel=3,
        strides=strides,
        multipliers=(1, 2),
        blocks=(1, 1),
        self_attention=(False, any(unet.self_attention)),
        cross_attention=(False, any(unet.cross_attention)),
        heads=2,
        text_width=unet.text_width,
        local_cond_channels=unet.local_cond_channels,
        noise_level_cond=unet.noise_level_cond,
        norm=unet.norm,
        mask_channels=2 if unet.mask_channels else 0,
        mask_depth=1,
    )
    sampling = replace(stage.sampling, step_schedule=uniform(STEPS), guidance=2.0 if stage.tokens else 1.0)
    emphasis = 0.5 if stage.emphasis else 0.0
    return replace(stage, unet=shape, seconds=0.64, sampling=sampling, emphasis=emphasis)


def small_network(stage: Stage, seed: int = 0) -> UNet:
    """Random, with every output layer away from zero, so that text, sources and neighbours all count."""
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = UNet(stage.unet)
    for parameter in network.parameters():
        drawn = torch.randn(parameter.shape, generator=generator)
        fan_in = max(1, parameter[0].numel())
        parameter.data = drawn * (0.5 / fan_in**0.5) if parameter.ndim > 1 else parameter.data + 0.05 * drawn
    return network.eval().requires_grad_(False)


def small_header(stage: Stage, text: TextIdentity) -> WeightsHeader:
    """As training writes it."""
    data = DataFacts(digest="0" * 16, clips=8, licences=("CC0",), vocabularies=("words",), level=Level(rms_dbfs=-18.0, std=0.5))
    read = text if stage.tokens else None
    return WeightsHeader(preset="tiny", stage=stage, text=read, data=data, clips=8, seed=0, average="ema 0.99", software=software())


def write_small_cascade(folder: Path) -> str:
    """All five stages as STAGE/weights.safetensors below a folder. Gives the folder as `load_cascade` takes it."""
    encoder = MiniLMEncoder()
    text = TextIdentity(name=encoder.name, identity=encoder.identity, dim=encoder.dim)
    for number, name in enumerate(STAGES):
        stage = small_stage(name)
        write_weights(folder / name / "weights.safetensors", small_network(stage, number).state_dict(), small_header(stage, text))
    return str(folder)
