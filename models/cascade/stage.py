"""A cascade stage as one value: everything that makes it differ from the other four."""

from dataclasses import dataclass
from typing import Literal

from noise2music.models.diffusion.prediction import Prediction
from noise2music.models.diffusion.schedule import Schedule
from noise2music.models.diffusion.steps import Runs, Spacing
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
    """What a stage makes or starts from: a waveform at `rate`, or the log-mel spectrogram of audio at `rate`."""

    domain: Literal["wave", "log_mel"]
    rate: int


@dataclass(frozen=True)
class Blur:
    """A Gaussian kernel of `size` positions (size x size on a spectrogram), its standard deviation uniform in [low, high] positions."""

    size: int
    low: float
    high: float


@dataclass(frozen=True)
class Source:
    """The signal that conditions a stage and how it enters: stacked on x after FFT upsampling, or aligned at the bottom of the U.

    In training it is blurred, then noised to a time uniform in [0, t_max] of the stage's schedule, and the network is told that level
    (paper section 3.7, after cascaded diffusion models). In use it is clean.
    """

    signal: Signal
    enters: Literal["stacked", "aligned"]
    t_max: float
    blur: Blur | None = None


@dataclass(frozen=True)
class Sampling:
    """How a trained stage is sampled by default. `runs` is the step schedule, `guidance` the scale w (1: none), and what follows
    percentile its variants (models.diffusion.guidance.Guidance). "euler" is "ddim": Euler's method on a straight flow. `projections`: how
    often a waveform is drawn towards the spectrogram it was made from; where it was made from a waveform, any number above 0 takes the
    band of that over, once (models.cascade.consistency).
    """

    sampler: SamplerName
    runs: Runs | Spacing
    gamma: float = 0.0
    guidance: float = 1.0
    percentile: float = 0.995
    interval: tuple[float, float] | None = None
    rescale: float = 0.0
    parallel: float = 1.0
    radius: float | None = None
    projections: int = 0


@dataclass(frozen=True)
class Stage:
    """One of the five. `scale`: network units of a full-scale waveform, so that music has a spread of about a half. `emphasis`: of the high
    frequencies of a waveform in network units (models.signal.emphasis), 0 for none. `seconds`: the length of a training crop. `tokens`:
    how many text tokens it reads, 0 for none.
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
