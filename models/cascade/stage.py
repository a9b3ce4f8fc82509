"""A cascade stage as one value: everything that makes it differ from the other four.

Aliases of fields, and `_ENTERS_IN_FILES`, are the names in files of weights, which stay as they are.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, PlainSerializer

from noise2music.models.diffusion.prediction import Prediction
from noise2music.models.diffusion.schedule import Schedule
from noise2music.models.diffusion.steps import SigmaSpacing, StepSchedule
from noise2music.models.diffusion.weighting import Weight
from noise2music.models.network.shape import UNetShape

StageName = Literal["waveform-generator", "waveform-cascader", "spectrogram-generator", "vocoder", "super-resolution"]
STAGES: tuple[StageName, ...] = ("waveform-generator", "waveform-cascader", "spectrogram-generator", "vocoder", "super-resolution")
SamplerName = Literal["ancestral", "ddim", "euler", "dpm_solver_2m", "heun"]
CORPUS_RATE = 24_000
FRAME_SAMPLES = CORPUS_RATE // 100
"""Samples at 24 kHz of a spectrogram frame (10 ms). Crops are whole frames, so that they are whole samples at every rate."""


@dataclass(frozen=True)
class Signal:
    """The output or the source of a stage: a waveform at `rate`, or the log-mel spectrogram of audio at `rate`."""

    domain: Literal["wave", "log_mel"]
    rate: int


@dataclass(frozen=True)
class Blur:
    """A Gaussian kernel of `size` positions (size x size on a spectrogram), its standard deviation uniform in [low, high] positions."""

    size: int
    low: float
    high: float


_ENTERS_IN_FILES = {"concat_cond": "stacked", "local_cond": "aligned"}
Enters = Annotated[
    Literal["concat_cond", "local_cond"],
    BeforeValidator(lambda value: next((name for name, former in _ENTERS_IN_FILES.items() if value == former), value)),
    PlainSerializer(lambda value: _ENTERS_IN_FILES[value]),
]


@dataclass(frozen=True)
class Source:
    """The signal that conditions a stage, and the input of the network that it enters by (models.diffusion.inputs).

    As concat_cond it is upsampled by its Fourier transform to the rate of x; as local_cond it is added at the bottom of the U. In training
    it is blurred, then noised to a time uniform in [0, t_max] of the stage's schedule, and the network sees the log SNR of that noise
    (paper section 3.7, after cascaded diffusion models). In use it is clean.
    """

    signal: Signal
    enters: Enters
    t_max: float
    blur: Blur | None = None


@dataclass(frozen=True)
class Sampling:
    """How a trained stage is sampled by default.

    sampler: "euler" is "ddim", which is Euler's method on a straight flow. guidance: the scale w, 1 is none; interval, rescale, apg_eta
    and apg_norm_threshold are its variants (models.diffusion.guidance.Guidance). percentile: of dynamic clipping.
    consistency_iters: iterations of Griffin and Lim's method towards the spectrogram that a waveform was made from. Where a waveform was
    made from one of a lower rate, any number above 0 takes the lower band over, once (models.cascade.consistency).
    """

    sampler: SamplerName
    step_schedule: Annotated[StepSchedule | SigmaSpacing, Field(alias="runs")]
    gamma: float = 0.0
    guidance: float = 1.0
    percentile: float = 0.995
    interval: tuple[float, float] | None = None
    rescale: float = 0.0
    apg_eta: Annotated[float, Field(alias="parallel")] = 1.0
    apg_norm_threshold: Annotated[float | None, Field(alias="radius")] = None
    consistency_iters: Annotated[int, Field(alias="projections")] = 0


@dataclass(frozen=True)
class Stage:
    """One of the five. seconds: length of a training crop. tokens: text tokens that it reads, 0 for none. scale: network units of a
    full-scale waveform, so that music has a standard deviation of about a half. emphasis: of the high frequencies of a waveform in network
    units (models.signal.filters), 0 for none.
    """

    name: StageName
    signal: Signal
    unet: UNetShape
    schedule: Schedule
    prediction: Prediction
    weight: Weight
    seconds: float
    sampling: Sampling
    source: Source | None = None
    tokens: int = 0
    scale: float = 1.0
    emphasis: float = 0.0

    def __post_init__(self) -> None:
        frames = self.seconds * CORPUS_RATE / FRAME_SAMPLES
        if frames < 1 or abs(frames - round(frames)) > 1e-6:
            raise ValueError(f"seconds must be a whole number of hundredths, at least one; it is {self.seconds}")
        if not 0 <= self.emphasis < 1 or (self.emphasis and self.signal.domain == "log_mel"):
            raise ValueError(f"emphasis is of a waveform and in [0, 1); it is {self.emphasis}")
        if bool(self.tokens) != any(self.unet.cross_attention):
            raise ValueError("tokens and cross-attention go together: a network reads text through cross-attention")

    @property
    def crop_samples(self) -> int:
        """Samples at 24 kHz of a training crop."""
        return round(self.seconds * CORPUS_RATE / FRAME_SAMPLES) * FRAME_SAMPLES

    def positions(self, samples: int) -> int:
        """Samples at 24 kHz (whole frames) -> positions of x."""
        return samples // FRAME_SAMPLES if self.signal.domain == "log_mel" else samples * self.signal.rate // CORPUS_RATE

    @property
    def channels(self) -> int:
        """Channels of x."""
        return self.unet.channels_out
