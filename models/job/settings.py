"""Settings of a batch job. Frozen, and an unknown key is an error."""

from typing import Literal

from pydantic import Field, model_validator

from noise2music.core.audio.encode import AudioFormat
from noise2music.core.settings import Settings
from noise2music.labeling.settings import ScorerSettings
from noise2music.models.generation.plan import MAX_SECONDS
from noise2music.models.generation.settings import GenerationSettings
from noise2music.models.job.prompts import LARGEST_SEED


class JobRun(Settings):
    """Where a job runs. None of it changes a clip, beyond rounding on a GPU.

    Args:
        runner: "local" is a pool of threads in this process, without Beam; "beam" spreads `parts` over workers.
        workers: how many threads, or workers of Beam on this machine.
        mode: threads or processes, for Beam's workers on this machine.
        parts: parts that a job is spread in, with Beam.
        options: of Beam ("--runner=FlinkRunner", ...); without any, it runs on this machine.
        device: "cpu", "cuda" or "auto".
    """

    runner: Literal["local", "beam"] = "local"
    workers: int = Field(2, ge=1, le=256)
    mode: Literal["threads", "processes"] = "processes"
    parts: int = Field(64, ge=1, le=99999)
    options: tuple[str, ...] = ()
    device: Literal["auto", "cpu", "cuda"] = "auto"


class GenerateSettings(Settings):
    """A batch job. Prompts, checkpoints and output may each be local or in an object store.

    Args:
        prompts: a file of prompts.
        checkpoints: a folder, URI or hub id with weights, or "tiny" for those that ship.
        revision: branch, tag or commit of a hub id.
        out: where clips, records and the manifest are written.
        seed, seconds: of rows that give none.
        format: 16-bit "flac" or "wav".
        best_of: candidates a prompt, of which the scorer keeps the best.
        max_dead: share of rows without a clip above which the job fails, after everything else is written.
        against: root of the labeling run that the cascade was trained on; clips near one of its clips are flagged.
        against_split: which of its clips.
        text_model: folder or hub id of the text encoder, where it is not where it was in training.
        scorer: compares clips with prompts.
        generation: everything that changes the audio.
        run: where the job runs.
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
