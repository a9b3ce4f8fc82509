"""The record of a clip, which is written after its audio, and the dead letter of a row without a clip."""

import json
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from noise2music.core.errors import RowError
from noise2music.core.ids import stable_id
from noise2music.core.settings import Record
from noise2music.models.cascade.stage import StageName
from noise2music.models.job.prompt import Prompt, check_key

SHOWN_CHARACTERS = 2000


class DeadLetter(Record):
    """A row without a clip, and the reason.

    name: of its file below dead/, without suffix. key: of the row. request: hash of the row, so that the same row is not tried again and a
    changed one is.
    """

    name: str
    key: str
    request: str
    reason: str
    message: str
    prompt: str


def row_dead_letter(row: Mapping[str, Any], error: RowError) -> DeadLetter:
    """Of a row that cannot be read. Its name is its key where that can be a file's name, else a hash."""
    cells = {column: str(value) for column, value in sorted(row.items()) if value is not None}
    request = stable_id(*(part for item in cells.items() for part in item))
    key = cells.get("key", "").strip()
    try:
        name = check_key(key)
    except RowError:
        name = f"rows/{request}"
    return DeadLetter(
        name=name, key=shown(key), request=request, reason=error.reason, message=shown(error.message), prompt=shown(cells.get("prompt", ""))
    )


def clip_dead_letter(prompt: Prompt, error: RowError) -> DeadLetter:
    """Of a clip that could not be made."""
    return DeadLetter(
        name=prompt.key,
        key=prompt.key,
        request=prompt.request,
        reason=error.reason,
        message=shown(error.message),
        prompt=shown(prompt.prompt),
    )


def parse_dead_letter(data: bytes) -> DeadLetter | None:
    """The dead letter in `data`, None when it is not one: then the row is tried again."""
    try:
        return DeadLetter.model_validate_json(data)
    except ValidationError:
        return None


def shown(text: str) -> str:
    """A text from outside for people to read: bounded, and with escapes for what is no UTF-8."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return whole if len(whole) <= SHOWN_CHARACTERS else whole[: SHOWN_CHARACTERS - 1] + "…"


class StageInfo(Record):
    """A stage of the clip's cascade. weights: SHA-256 of their file. guidance: the scale, 1 is none."""

    stage: StageName
    weights: str
    sampler: str
    steps: int
    guidance: float


class Candidate(Record):
    """One of the clips for a prompt. kept: whether it is the best one. failed: the reason why it could not be made."""

    sample: int
    score: float | None
    kept: bool
    failed: str | None = None


class Neighbours(Record):
    """The clip beside the training set (memorization.training_set.Duplicates): ids of training clips, cosine, share of landmarks."""

    nearest: str
    cosine: float
    matching: str | None
    share: float
    flagged: bool


class ClipRecord(Record):
    """One line of the manifest. audio, spectrogram, picture: paths below the place; audio, rms_dbfs and peak are None where the cascade
    stopped at a spectrogram. seconds: asked for; duration: made. rate in Hz. score: cosine of clip and prompt. duplicates: None where
    it was not compared with a training set. seconds_spent: work, not waiting.
    """

    key: str
    request: str
    prompt: str
    negative: str | None
    seed: int
    sample: int
    seconds: float
    init: str | None
    init_sha256: str | None
    keep: tuple[tuple[float, float], ...]
    audio: str | None
    spectrogram: str | None
    picture: str
    sha256: str
    bytes: int
    rate: int
    duration: float
    rms_dbfs: float | None
    peak: float | None
    stages: tuple[StageInfo, ...]
    calls: int
    cut_tokens: int
    warnings: tuple[str, ...]
    score: float | None
    candidates: tuple[Candidate, ...]
    duplicates: Neighbours | None
    software: str
    seconds_spent: float

    @classmethod
    def of(cls, prompt: Prompt, **rest: Any) -> "ClipRecord":
        """The record of a prompt's clip: the fields that the prompt has, and the rest by keyword."""
        fields = {name: getattr(prompt, name) for name in ("key", "request", "prompt", "negative", "seed", "seconds", "init", "keep")}
        return cls(**fields, **rest)

    def line(self) -> str:
        """One line of JSON, without its end."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, allow_nan=False)


def parse_clip(data: bytes | str) -> ClipRecord | None:
    """The record in `data`, None when it is not one: then the clip counts as missing."""
    try:
        return ClipRecord.model_validate_json(data)
    except ValidationError:
        return None
