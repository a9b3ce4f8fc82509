"""The five stages in three presets. `paper` is faithful, `fast` needs few steps, `tiny` trains without a GPU.

Paper: tables 2, 5, 7 and 8, sections 3.2 and 3.7. What it leaves open and is chosen here: the crop of the super-resolution stage (3.5 s as
for the others), the size of T5 (XXL, 4096 wide: the size whose parameter counts fit), scale and log-mel constants.
"""

from dataclasses import replace
from typing import Literal

from noise2music.core.errors import UserError
from noise2music.models.cascade.stage import STAGES, Blur, Sampling, Signal, Source, Stage, StageName
from noise2music.models.diffusion.schedule import Schedule
from noise2music.models.diffusion.steps import (
    CASCADER_FRONT_HEAVY,
    GENERATOR_FRONT_HEAVY,
    SPECTROGRAM_BACK_HEAVY,
    VOCODER_FRONT_HEAVY,
    uniform,
)
from noise2music.models.diffusion.weighting import Weight
from noise2music.models.network.shape import UNetShape

Preset = Literal["paper", "fast", "tiny"]
PRESETS: tuple[Preset, ...] = ("paper", "fast", "tiny")
MELS = 80
T5_XXL = 4096
MINILM = 384

LOW, MIDDLE, HIGH = Signal("wave", 3_200), Signal("wave", 16_000), Signal("wave", 24_000)
SPECTROGRAM = Signal("log_mel", 16_000)
COSINE, LINEAR = Schedule("cosine"), Schedule("beta_linear")
F, T = False, True

_FROM_LOW = Source(LOW, "stacked", 0.5, Blur(10, 0.1, 5.0))
_FROM_SPECTROGRAM = Source(SPECTROGRAM, "aligned", 1.0, Blur(5, 0.2, 1.0))
_FROM_MIDDLE = Source(MIDDLE, "stacked", 1.0)

PAPER: tuple[Stage, ...] = (
    Stage(
        name="waveform-generator",
        signal=LOW,
        unet=UNetShape(
            1, 1, 256, 7, (4,) * 6, (1, 1, 2, 3, 4, 4), (3, 3, 3, 4, 4, 4), (F, F, F, T, T, T), (F, F, F, T, T, T), text_width=T5_XXL
        ),
        schedule=COSINE,
        prediction="eps",
        weight=Weight("simplified"),
        seconds=30.0,
        sampling=Sampling("ancestral", GENERATOR_FRONT_HEAVY, gamma=0.0, guidance=10.0),
        tokens=64,
    ),
    Stage(
        name="waveform-cascader",
        signal=MIDDLE,
        unet=UNetShape(
            2, 1, 256, 7, (4,) * 5, (1, 1, 2, 3, 4), (3, 3, 4, 6, 6), (F,) * 5, (F, F, F, T, T), text_width=T5_XXL, told_level=True
        ),
        schedule=LINEAR,
        prediction="eps",
        weight=Weight("simplified"),
        seconds=3.5,
        sampling=Sampling("ancestral", CASCADER_FRONT_HEAVY, gamma=1.0, guidance=5.0),
        source=_FROM_LOW,
        tokens=64,
    ),
    Stage(
        name="spectrogram-generator",
        signal=SPECTROGRAM,
        unet=UNetShape(MELS, MELS, 256, 9, (4, 3, 2, 2, 2), (1, 2, 2, 3, 4), (6,) * 5, (F, F, F, T, T), (F, F, F, T, T), text_width=T5_XXL),
        schedule=LINEAR,
        prediction="eps",
        weight=Weight("sigma"),
        seconds=30.0,
        sampling=Sampling("ancestral", SPECTROGRAM_BACK_HEAVY, gamma=0.0, guidance=5.0),
        tokens=96,
    ),
    Stage(
        name="vocoder",
        signal=MIDDLE,
        unet=UNetShape(1, 1, 128, 5, (2, 4, 4, 5), (1, 1, 2, 4), (4,) * 4, (F,) * 4, (F,) * 4, aligned_channels=MELS, told_level=True),
        schedule=LINEAR,
        prediction="eps",
        weight=Weight("simplified"),
        seconds=3.5,
        sampling=Sampling("ancestral", VOCODER_FRONT_HEAVY, gamma=0.0),
        source=_FROM_SPECTROGRAM,
    ),
    Stage(
        name="super-resolution",
        signal=HIGH,
        unet=UNetShape(2, 1, 256, 7, (4,) * 4, (1, 1, 2, 2), (4,) * 4, (F,) * 4, (F,) * 4, told_level=True),
        schedule=LINEAR,
        prediction="eps",
        weight=Weight("simplified"),
        seconds=3.5,
        sampling=Sampling("ancestral", CASCADER_FRONT_HEAVY, gamma=0.0),
        source=_FROM_MIDDLE,
    ),
)

# Every depth has at least as many channels as the signal has numbers in one of its positions: what the blocks cannot hold passes by them
# unchanged, and noise with it. So the spectrogram generator, with 80 numbers a frame, begins without a stride.
_TINY_SHAPES: dict[StageName, UNetShape] = {
    "waveform-generator": UNetShape(
        1, 1, 48, 5, (8, 4, 4, 2), (1, 2, 3, 4), (1, 2, 2, 1), (F, F, T, T), (F, F, T, T), 4, text_width=MINILM,
        mask_channels=16, mask_depth=2,
    ),
    "waveform-cascader": UNetShape(
        2, 1, 32, 5, (4, 4, 4, 4), (1, 2, 3, 4), (1, 1, 2, 2), (F,) * 4, (F, F, F, T), 4, text_width=MINILM,
        told_level=True, norm="position", mask_channels=8, mask_depth=3,
    ),
    "spectrogram-generator": UNetShape(
        MELS, MELS, 112, 5, (1, 2, 2, 2), (1, 1, 1, 2), (1, 1, 2, 1), (F, F, T, T), (F, F, T, T), 4, text_width=MINILM
    ),
    "vocoder": UNetShape(
        1, 1, 32, 5, (2, 4, 4, 5), (1, 2, 3, 6), (1, 1, 2, 2), (F,) * 4, (F,) * 4, aligned_channels=MELS, told_level=True,
        norm="position",
    ),
    "super-resolution": UNetShape(
        2, 1, 32, 5, (4, 4, 4), (1, 2, 4), (1, 2, 2), (F,) * 3, (F,) * 3, told_level=True, norm="position"
    ),
}  # fmt: skip
_WAVE_SCALE = 5.0
"""Of `fast` and `tiny`: music at -20 dBFS (rms 0.1) has a spread of a half."""

_EMPHASISED_SCALE = 7.0
"""Emphasised by 0.9, rendered music has a spread of .07 of full scale at 16 kHz and .1 at 24 kHz."""

_TINY_EMPHASIS: dict[StageName, float] = {"waveform-generator": 0.8, "waveform-cascader": 0.9, "super-resolution": 0.9}
"""Rendered music falls by 20 dB up to 1.6 kHz; emphasised by 0.8 it is nearly level there, with a spread of .13 of full scale."""


def _fast(stage: Stage) -> Stage:
    """v-prediction on a cosine schedule that ends without any signal, in 20 steps."""
    guidance = min(stage.sampling.guidance, 5.0)
    return replace(
        stage,
        schedule=COSINE,
        prediction="v",
        weight=Weight("velocity"),
        sampling=Sampling("dpm_solver_2m", uniform(20), guidance=guidance),
        scale=_WAVE_SCALE if stage.signal.domain == "wave" else 1.0,
    )


def _tiny(stage: Stage) -> Stage:
    """`fast` with small networks, MiniLM's token embeddings (384 wide), short crops, and sources that are noised to the middle of time at
    most: a small network that is seldom shown a clean source learns little from it. Stages that add a band to what they are given
    learn it emphasised, since it is the quiet end of the spectrum, and so does the waveform generator, though less. The two that make a
    waveform from text have a mask over the spectrum of their x besides: where noise is weak, a Wiener filter leaves less of it than a
    small U-Net (benchmarks/noise_left.py).
    """
    small = _fast(stage)
    source = replace(stage.source, t_max=min(stage.source.t_max, 0.5)) if stage.source else None
    adds_a_band = source is not None and source.enters == "stacked"
    return replace(
        small,
        unet=_TINY_SHAPES[stage.name],
        seconds=5.12 if source is None else 0.64,
        tokens=64 if stage.tokens else 0,
        source=source,
        scale=_EMPHASISED_SCALE if adds_a_band else small.scale,
        emphasis=_TINY_EMPHASIS.get(stage.name, 0.0),
        weight=Weight("sigmoid_velocity", bias=1.0) if stage.signal.domain == "log_mel" else small.weight,
        sampling=_tiny_sampling(small),
    )


def _tiny_sampling(stage: Stage) -> Sampling:
    """Small networks follow their text better, and leave less hiss, in steps that each bring new noise than in as many without. What they
    leave goes where the source says how quiet it is. A stage that reads text has more to decide and takes more steps. The cascader takes
    half of them in the cleanest tenth of time: what noise is left at the last of equal steps, it would leave as hiss. Steps of the
    posterior's noise (gamma 0) are too few to make a waveform as loud as it should be, of the process's (gamma 1) too loud: the two that
    make one from text take a quarter of the way (benchmarks/band_levels.py).
    """
    gamma = 0.25 if stage.signal.domain == "wave" and stage.tokens else 0.0
    if stage.source is None:
        return Sampling("ancestral", uniform(32), gamma=gamma, guidance=stage.sampling.guidance)
    projections = 8 if stage.source.signal.domain == "log_mel" else 1
    steps = ((0.03, 6), (0.07, 6), (0.9, 12)) if stage.tokens else uniform(8)
    return Sampling("ancestral", steps, gamma=gamma, guidance=stage.sampling.guidance, projections=projections)


def stage_of(preset: Preset, name: str, text_width: int | None = None) -> Stage:
    """The stage of a preset: its signal, network, schedule and sampling as one frozen value.

    Args:
        preset: "paper", "fast" or "tiny".
        name: "waveform-generator", "waveform-cascader", "spectrogram-generator", "vocoder" or "super-resolution".
        text_width: numbers in an embedding of a token, where another text encoder is used.

    Returns:
        The stage; `UNet(stage.unet)` is its network.

    Raises:
        UserError: there is no such stage or preset.

    Source: arXiv 2302.03917, tables 2, 5, 7 and 8.
    """
    if preset not in PRESETS:
        raise UserError(f"there is no preset {preset!r}: it is one of {', '.join(PRESETS)}.")
    if name not in STAGES:
        raise UserError(f"there is no stage {name!r}: it is one of {', '.join(STAGES)}.")
    faithful = next(stage for stage in PAPER if stage.name == name)
    stage = {"paper": lambda: faithful, "fast": lambda: _fast(faithful), "tiny": lambda: _tiny(faithful)}[preset]()
    if text_width is not None and stage.tokens:
        stage = replace(stage, unet=replace(stage.unet, text_width=text_width))
    return stage
