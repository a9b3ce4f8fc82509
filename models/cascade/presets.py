"""The five stages in three presets. `paper` is faithful, `fast` needs few steps, `tiny` trains without a GPU.

Paper: tables 2, 5, 7 and 8, sections 3.2 and 3.7. It leaves open, and here is chosen: the crop of the super-resolution stage (3.5 s as for
the others), the size of T5 (XXL, 4096 wide: the size whose parameter counts fit), scale and log-mel constants.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Literal

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


def _shapes(table: Mapping[str, tuple[Any, ...]]) -> dict[StageName, UNetShape]:
    """Rows of a table with one column a stage, in the order of STAGES -> the networks. "FFT" is no, no, yes from the top of the U downward;
    None leaves the default of UNetShape.
    """
    columns = zip(*table.values(), strict=True)
    return {name: UNetShape(**_fields(table, column)) for name, column in zip(STAGES, columns, strict=True)}


def _fields(rows: Mapping[str, Any], column: tuple[Any, ...]) -> dict[str, Any]:
    fields = {row: value for row, value in zip(rows, column, strict=True) if value is not None}
    return fields | {row: tuple(letter == "T" for letter in fields[row]) for row in ("self_attention", "cross_attention")}


_TABLE_8 = {
    #                        wave generator      wave cascader    spec generator   spec vocoder  super-resolution
    "width":               (256,                256,             256,             128,          256),
    "kernel":              (7,                  7,               9,               5,            7),
    "strides":             ((4, 4, 4, 4, 4, 4), (4, 4, 4, 4, 4), (4, 3, 2, 2, 2), (2, 4, 4, 5), (4, 4, 4, 4)),
    "multipliers":         ((1, 1, 2, 3, 4, 4), (1, 1, 2, 3, 4), (1, 2, 2, 3, 4), (1, 1, 2, 4), (1, 1, 2, 2)),
    "blocks":              ((3, 3, 3, 4, 4, 4), (3, 3, 4, 6, 6), (6, 6, 6, 6, 6), (4, 4, 4, 4), (4, 4, 4, 4)),
    "self_attention":      ("FFFTTT",           "FFFFF",         "FFFTT",         "FFFF",       "FFFF"),
    "cross_attention":     ("FFFTTT",           "FFFTT",         "FFFTT",         "FFFF",       "FFFF"),
    "heads":               (8,                  8,               8,               None,         None),
    # What follows is not in the table: the signals of figure 2, the text encoder, and the noise of section 3.7.
    "channels_in":         (1,                  2,               MELS,            1,            2),
    "channels_out":        (1,                  1,               MELS,            1,            1),
    "text_width":          (T5_XXL,             T5_XXL,          T5_XXL,          None,         None),
    "local_cond_channels": (None,               None,            None,            MELS,         None),
    "noise_level_cond":    (None,               True,            None,            True,         True),
}  # fmt: skip
_PAPER_SHAPES = _shapes(_TABLE_8)

# Table of section 3.7. The paper does not state a blur for super-resolution.
_FROM_LOW = Source(LOW, "concat_cond", t_max=0.5, blur=Blur(size=10, low=0.1, high=5.0))
_FROM_SPECTROGRAM = Source(SPECTROGRAM, "local_cond", t_max=1.0, blur=Blur(size=5, low=0.2, high=1.0))
_FROM_MIDDLE = Source(MIDDLE, "concat_cond", t_max=1.0)

PAPER: tuple[Stage, ...] = (
    Stage(
        name="waveform-generator",
        signal=LOW,
        unet=_PAPER_SHAPES["waveform-generator"],
        schedule=COSINE,
        prediction="eps",
        weight=Weight("simplified"),
        seconds=30.0,
        sampling=Sampling(sampler="ancestral", step_schedule=GENERATOR_FRONT_HEAVY, gamma=0.0, guidance=10.0),
        tokens=64,
    ),
    Stage(
        name="waveform-cascader",
        signal=MIDDLE,
        unet=_PAPER_SHAPES["waveform-cascader"],
        schedule=LINEAR,
        prediction="eps",
        weight=Weight("simplified"),
        seconds=3.5,
        sampling=Sampling(sampler="ancestral", step_schedule=CASCADER_FRONT_HEAVY, gamma=1.0, guidance=5.0),
        source=_FROM_LOW,
        tokens=64,
    ),
    Stage(
        name="spectrogram-generator",
        signal=SPECTROGRAM,
        unet=_PAPER_SHAPES["spectrogram-generator"],
        schedule=LINEAR,
        prediction="eps",
        weight=Weight("sigma"),
        seconds=30.0,
        sampling=Sampling(sampler="ancestral", step_schedule=SPECTROGRAM_BACK_HEAVY, gamma=0.0, guidance=5.0),
        tokens=96,
    ),
    Stage(
        name="vocoder",
        signal=MIDDLE,
        unet=_PAPER_SHAPES["vocoder"],
        schedule=LINEAR,
        prediction="eps",
        weight=Weight("simplified"),
        seconds=3.5,
        sampling=Sampling(sampler="ancestral", step_schedule=VOCODER_FRONT_HEAVY, gamma=0.0),
        source=_FROM_SPECTROGRAM,
    ),
    Stage(
        name="super-resolution",
        signal=HIGH,
        unet=_PAPER_SHAPES["super-resolution"],
        schedule=LINEAR,
        prediction="eps",
        weight=Weight("simplified"),
        seconds=3.5,
        sampling=Sampling(sampler="ancestral", step_schedule=CASCADER_FRONT_HEAVY, gamma=0.0),
        source=_FROM_MIDDLE,
    ),
)

# Every depth has at least as many channels as the signal has numbers in one of its positions: what the blocks cannot hold passes by them
# unchanged, and noise with it. So the spectrogram generator, with 80 numbers a frame, begins without a stride.
_TINY_SHAPES = _shapes({
    #                        wave generator wave cascader spec generator spec vocoder  super-resolution
    "width":               (48,           32,           112,          32,           32),
    "kernel":              (5,            5,            5,            5,            5),
    "strides":             ((8, 4, 4, 2), (4, 4, 4, 4), (1, 2, 2, 2), (2, 4, 4, 5), (4, 4, 4)),
    "multipliers":         ((1, 2, 3, 4), (1, 2, 3, 4), (1, 1, 1, 2), (1, 2, 3, 6), (1, 2, 4)),
    "blocks":              ((1, 2, 2, 1), (1, 1, 2, 2), (1, 1, 2, 1), (1, 1, 2, 2), (1, 2, 2)),
    "self_attention":      ("FFTT",       "FFFF",       "FFTT",       "FFFF",       "FFF"),
    "cross_attention":     ("FFTT",       "FFFT",       "FFTT",       "FFFF",       "FFF"),
    "heads":               (4,            4,            4,            None,         None),
    "channels_in":         (1,            2,            MELS,         1,            2),
    "channels_out":        (1,            1,            MELS,         1,            1),
    "text_width":          (MINILM,       MINILM,       MINILM,       None,         None),
    "local_cond_channels": (None,         None,         None,         MELS,         None),
    "noise_level_cond":    (None,         True,         None,         True,         True),
    "norm":                (None,         "position",   None,         "position",   "position"),
    "mask_channels":       (16,           8,            None,         None,         None),
    "mask_depth":          (2,            3,            None,         None,         None),
})  # fmt: skip
# Of `fast` and `tiny`: music at -20 dBFS (rms 0.1) has a standard deviation of a half.
_WAVE_SCALE = 5.0
# Emphasised by 0.9, rendered music has a standard deviation of .07 of full scale at 16 kHz and .1 at 24 kHz.
_EMPHASISED_SCALE = 7.0
# Rendered music falls by 20 dB up to 1.6 kHz; emphasised by 0.8 it is nearly level there, with a standard deviation of .13 of full scale.
_TINY_EMPHASIS: dict[StageName, float] = {"waveform-generator": 0.8, "waveform-cascader": 0.9, "super-resolution": 0.9}


def _fast(stage: Stage) -> Stage:
    """v-prediction on a cosine schedule that ends without any signal, in 20 steps."""
    guidance = min(stage.sampling.guidance, 5.0)
    return replace(
        stage,
        schedule=COSINE,
        prediction="v",
        weight=Weight("velocity"),
        sampling=Sampling(sampler="dpm_solver_2m", step_schedule=uniform(20), guidance=guidance),
        scale=_WAVE_SCALE if stage.signal.domain == "wave" else 1.0,
    )


def _tiny(stage: Stage) -> Stage:
    """`fast` with small networks, short crops and MiniLM's token embeddings (384 wide).

    A source is noised to the middle of time at most: a small network that is seldom shown a clean source learns little from it. A stage
    that adds a band to its source learns that band emphasised, since it is the quiet end of the spectrum; the waveform generator does so
    too, with less emphasis. These two kinds have a mask over the spectrum of x where they read text: where noise is weak, a Wiener filter
    leaves less of it than a small U-Net (benchmarks/noise_left.py).
    """
    small = _fast(stage)
    source = replace(stage.source, t_max=min(stage.source.t_max, 0.5)) if stage.source else None
    adds_a_band = source is not None and source.enters == "concat_cond"
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
    """Sampling with noise in each step: so a small network follows its text better, and leaves less hiss, than without."""
    # Gamma 0 makes waveforms too quiet in so few steps, gamma 1 too loud. A quarter of the way fits where a waveform is made from text
    # (benchmarks/band_levels.py).
    gamma = 0.25 if stage.signal.domain == "wave" and stage.tokens else 0.0
    if stage.source is None:
        return Sampling(sampler="ancestral", step_schedule=uniform(32), gamma=gamma, guidance=stage.sampling.guidance)
    # A stage that reads text has more to decide and takes more steps. Half of them lie in the cleanest tenth of time: at the
    # last of equal steps so much noise is left that it would stay as hiss.
    step_schedule = ((0.03, 6), (0.07, 6), (0.9, 12)) if stage.tokens else uniform(8)
    return Sampling(
        sampler="ancestral",
        step_schedule=step_schedule,
        gamma=gamma,
        guidance=stage.sampling.guidance,
        # The noise that these steps leave is removed by what the source says of the signal (models.cascade.consistency).
        consistency_iters=8 if stage.source.signal.domain == "log_mel" else 1,
    )


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
