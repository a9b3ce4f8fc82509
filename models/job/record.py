"""A clip's record: written after its audio, it says that the clip is there, what it is, and how it was made."""

import json

from pydantic import BaseModel, ConfigDict, ValidationError

from models.cascade.stage import StageName


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class StageFacts(_Frozen):
    """A stage that had a part in the clip. weights: SHA-256 of their file. guidance: the scale, 1 is none."""

    stage: StageName
    weights: str
    sampler: str
    steps: int
    guidance: float


class Candidate(_Frozen):
    """One of the clips of which the best was kept. failed: the reason why it could not be made."""

    sample: int
    score: float | None
    kept: bool
    failed: str | None = None


class Neighbours(_Frozen):
    """The clip beside the training set (labeling.duplicates.training_set.Duplicates): ids of training clips, cosine, share of landmarks."""

    nearest: str
    cosine: float
    matching: str | None
    share: float
    flagged: bool


class ClipRecord(_Frozen):
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
    stages: tuple[StageFacts, ...]
    calls: int
    cut_tokens: int
    warnings: tuple[str, ...]
    score: float | None
    candidates: tuple[Candidate, ...]
    duplicates: Neighbours | None
    software: str
    seconds_spent: float

    def line(self) -> str:
        """One line of JSON, without its end."""
        return json.dumps(self.model_dump(mode="json"), ensure_ascii=False, allow_nan=False)


def parse_clip(data: bytes | str) -> ClipRecord | None:
    """The record in `data`, None when it is not one: then the clip counts as missing."""
    try:
        return ClipRecord.model_validate_json(data)
    except ValidationError:
        return None
