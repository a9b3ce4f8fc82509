"""Real audio that a row starts from."""

import hashlib
import io
from dataclasses import dataclass

from noise2music.core.audio.decode import decode_start, oddities
from noise2music.core.errors import RowError, UserError
from noise2music.core.storage import may_pass, read_uri
from noise2music.models.generation.plan import MAX_SECONDS
from noise2music.models.generation.request import AudioPrompt
from noise2music.models.job.prompt import Prompt


@dataclass(frozen=True)
class InitAudio:
    """The audio prompt of a row, mono at its own rate, the SHA-256 of its file, and what is odd about it, in words."""

    audio: AudioPrompt
    sha256: str
    warnings: tuple[str, ...] = ()


def read_init(prompt: Prompt) -> InitAudio | None:
    """The audio that a row names as `init`, at most as long as a clip can be; None where it names none.

    Read by the rules of core.audio.decode: gaps of less than a second are silence, channels that cancel are not averaged; both are said.
    Raises RowError: "init_missing", what open_reader raises where it is no audio, "decode_failed". Raises UserError when an object
    store does not answer. Whether it fits the clip is for the cascade to say.
    """
    if prompt.init is None:
        return None
    try:
        data = read_uri(prompt.init)
    except UserError as error:
        if may_pass(error):
            raise
        raise RowError("init_missing", str(error)) from error
    stretch, rate = decode_start(io.BytesIO(data), MAX_SECONDS)
    warnings = tuple(f"init {reason}: {message}" for reason, message in oddities(stretch, rate))
    return InitAudio(AudioPrompt(stretch.audio, rate), hashlib.sha256(data).hexdigest(), warnings)
