"""One clip that is wanted."""

from dataclasses import dataclass

from labeling.fingerprint import canonical_json
from labeling.ids import stable_id


@dataclass(frozen=True)
class Prompt:
    """What a row asks for. init: URI of real audio. keep: seconds [from, to) of it that stay; (): what the cascade keeps by itself."""

    key: str
    prompt: str
    seconds: float
    seed: int
    negative: str | None = None
    init: str | None = None
    keep: tuple[tuple[float, float], ...] = ()

    @property
    def request(self) -> str:
        """Hash of all that is asked for: two clips of one key are the same clip when it is equal."""
        return stable_id(self.key, content_of(self, self.seconds, self.seed))


def content_of(prompt: Prompt, seconds: float | None, seed: int | None) -> str:
    """All that a row says but its key, as text."""
    return canonical_json([prompt.prompt, seconds, seed, prompt.negative, prompt.init, prompt.keep])
