"""What a batch job can be told. Frozen, and an unknown key is an error."""

from typing import Literal

from pydantic import Field, model_validator

from noise2music.core.audio.encode import AudioFormat
from noise2music.core.settings import Settings
from noise2music.labeling.settings import ScorerSettings
from noise2music.models.generation.plan import MAX_SECONDS
from noise2music.models.generation.settings import GenerationSettings
from noise2music.models.job.prompts import LARGEST_SEED


class JobRun(Settings):
    """Where a job runs; none of it changes a clip, beyond rounding on a GPU.

    runner: "local" is a pool of `workers` threads in this process, without Beam; "beam" spreads `parts` over workers, on the runner
    that `options` name ("--runner=FlinkRunner", ...) or, without any, on this machine in threads or processes (`mode`).
    """

    runner: Literal["local", "beam"] = "local"
    workers: int = Field(2, ge=1, le=256)
    mode: Literal["threads", "processes"] = "processes"
    parts: int = Field(64, ge=1, le=99999)
    options: tuple[str, ...] = ()
    device: Literal["auto", "cpu", "cuda"] = "auto"


class GenerateSettings(Settings):
    """A batch job: `prompts` (a file), made by the cascade in `checkpoints`, into `out`; each may be local or in an object store, and
    `checkpoints` a hub id too (`revision`: its branch, tag or commit).

    seed, seconds: of rows that give none. best_of: candidates a prompt, of which the scorer keeps the best. format: 16-bit FLAC or WAV.
    against: root of the labeling run that the cascade was trained on; clips are compared with its clips of `against_split`, and near ones
    flagged. text_model: folder or hub id of the text encoder, where it is not where it was in training. max_dead: share of rows without
    a clip above which the job fails, after everything else is written.
    """

    prompts: str = Field(min_length=1)
    checkpoints: str = Field(min_length=1)
    revision: str | None = None
    out: str = Field(min_length=1)
    seed: int = Field(0, ge=0, le=LARGEST_SEED)
    seconds: float = Field(30.0, gt=0, le=MAX_SECONDS)
    format: AudioFormat = "flac"
    best_of: int = Field(1, ge=1, le=64)
    max_dead: float = Field(0.05, ge=0, le=1)
    against: str | None = None
    against_split: str = "train"
    text_model: str | None = None
    scorer: ScorerSettings = ScorerSettings()
    generation: GenerationSettings = Field(default_factory=GenerationSettings)
    run: JobRun = JobRun()

    @model_validator(mode="after")
    def _compares_sound(self) -> "GenerateSettings":
        if self.generation.chain[-1] == "spectrogram-generator" and (self.best_of > 1 or self.against is not None):
            named = "best_of" if self.best_of > 1 else "against"
            raise ValueError(f"{named} compares sound, and there is none where generation.stop_after is the spectrogram-generator")
        return self
