"""What is asked of a cascade."""

from dataclasses import dataclass

from noise2music.core.arrays import Float32s
from noise2music.core.ids import id_to_int, stable_id


@dataclass(frozen=True)
class AudioPrompt:
    """Real audio that a clip continues, fills in or starts from: (samples,) mono float32, full scale 1, and its rate in Hz."""

    audio: Float32s
    rate: int

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.audio) / self.rate


@dataclass(frozen=True)
class Request:
    """One clip to make. Its noise is a pure function of (seed, key, sample).

    Args:
        key: names the clip.
        prompt: what is heard, in words.
        seconds: length of the clip.
        seed: of the noise.
        sample: number of the candidate, for a best of n.
        negative: a prompt that the clip is kept away from.
        init: audio of which parts stay or, where the cascade starts with a later stage, the input of that stage.
        keep: seconds [from, to) of init that stay as they are. Empty is all of init where the cascade starts with its generator (a
            continuation), and nothing where it starts later.
    """

    key: str
    prompt: str
    seconds: float = 30.0
    seed: int = 0
    sample: int = 0
    negative: str | None = None
    init: AudioPrompt | None = None
    keep: tuple[tuple[float, float], ...] = ()

    @property
    def number(self) -> int:
        """64 bits of (seed, key, sample): what all noise of this clip is drawn from."""
        return id_to_int(stable_id(self.seed, self.key, self.sample))
