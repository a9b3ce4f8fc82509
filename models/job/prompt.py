"""A prompt: one row of a file of prompts, which asks for one clip."""

import re
from dataclasses import dataclass

from noise2music.core.errors import RowError
from noise2music.core.ids import stable_id
from noise2music.labeling.datasets.fingerprint import canonical_json

# Keys become names of files, so only what is safe in one may be a key.


LONGEST_KEY = 100

_KEY = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")


def check_key(key: str) -> str:
    """The key as it is. Raises RowError "bad_key" unless it is letters, digits, '-', '_' and '.', not starting with a dot."""
    if len(key) > LONGEST_KEY:
        raise RowError("bad_key", f"the key has {len(key):,} characters; at most {LONGEST_KEY} are allowed")
    if not _KEY.fullmatch(key):
        raise RowError(
            "bad_key", f"the key {key!a} cannot name a file: use letters (a to z), digits, '-', '_' and '.', and no dot in front"
        )
    return key


@dataclass(frozen=True)
class Prompt:
    """A row of a file of prompts. init: URI of real audio. keep: seconds [from, to) of it that stay; (): the default of the cascade."""

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
