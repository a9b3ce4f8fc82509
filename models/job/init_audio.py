"""Real audio that a row starts from."""

import hashlib
import io
from dataclasses import dataclass

import numpy as np

from labeling.errors import RowError, UserError
from labeling.open_reader import open_reader
from labeling.storage import may_pass, read_uri
from models.generation.request import Sound
from models.job.prompt import Prompt
from models.job.prompts import LONGEST_SECONDS

MISSING_SECONDS = 0.02
"""Audio may end this much before what `keep` says: a file's length is a whole number of its own frames."""


@dataclass(frozen=True)
class InitAudio:
    """The sound, mono at its own rate, and SHA-256 of its file."""

    sound: Sound
    sha256: str


def read_init(prompt: Prompt) -> InitAudio | None:
    """What a row names as `init`, at most LONGEST_SECONDS of it; None where it names nothing.

    Raises RowError: "init_missing", "init_short" (shorter than `keep` says), "init_not_finite", and what labeling.open_reader raises.
    Raises UserError when an object store does not answer.
    """
    if prompt.init is None:
        return None
    try:
        data = read_uri(prompt.init)
    except UserError as error:
        if may_pass(error):
            raise
        raise RowError("init_missing", str(error)) from error
    reader = open_reader(io.BytesIO(data))
    audio = reader.read(0, round(LONGEST_SECONDS * reader.rate))
    if not len(audio):
        raise RowError("init_short", f"{prompt.init} holds no audio")
    if not np.isfinite(audio).all():
        raise RowError("init_not_finite", f"{prompt.init} holds NaN or infinity")
    sound = Sound(audio, reader.rate)
    last = max((end for _, end in prompt.keep), default=0.0)
    if last > sound.seconds + MISSING_SECONDS:
        raise RowError("init_short", f"{prompt.init} lasts {sound.seconds:.2f} s, and keep ends at {last:g} s")
    return InitAudio(sound, hashlib.sha256(data).hexdigest())
