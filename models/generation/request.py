"""What is asked for and what came of it."""

from dataclasses import dataclass

from noise2music.core.arrays import Float32s
from noise2music.core.ids import id_to_int, stable_id


@dataclass(frozen=True)
class Sound:
    """Real audio that is given: (samples,) mono float32, full scale 1, and its rate in Hz."""

    audio: Float32s
    rate: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.audio) / self.rate


@dataclass(frozen=True)
class Request:
    """One clip to make. Its noise is a pure function of (seed, key, sample).

    sample: number of the candidate, for a best of n. negative: what the clip shall not be like. init: known audio, or what the first
    stage starts from when the cascade starts late. keep: seconds [from, to) of init that stay as they are; empty is all of init when
    the cascade starts with its generator (a continuation), and nothing when it starts late.
    """

    key: str
    prompt: str
    seconds: float = 30.0
    seed: int = 0
    sample: int = 0
    negative: str | None = None
    init: Sound | None = None
    keep: tuple[tuple[float, float], ...] = ()

    @property
    def number(self) -> int:
        """64 bits of (seed, key, sample): what all noise of this clip is drawn from."""
        return id_to_int(stable_id(self.seed, self.key, self.sample))


@dataclass(frozen=True)
class Made:
    """A clip: audio (samples,) float32 within full scale at `rate`, as long as was asked for.

    Where the run stops after the spectrogram generator, audio is empty and spectrogram (80, frames) is what was made; it is None
    otherwise. rms_dbfs: of the whole clip, -120 at least. cut_tokens: tokens of the prompt that did not fit. calls: estimates of
    networks that it took, each window of a long signal counted. warnings: what a listener should know, in words.
    """

    request: Request
    audio: Float32s
    rate: int
    spectrogram: Float32s | None
    rms_dbfs: float
    peak: float
    cut_tokens: int
    calls: int
    warnings: tuple[str, ...]
