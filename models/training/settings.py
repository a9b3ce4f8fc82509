"""Settings of a training run. Frozen, and an unknown key is an error."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import Field, ValidationError, field_validator

from noise2music.core.errors import UserError
from noise2music.core.settings import Settings
from noise2music.labeling.settings import Numbers
from noise2music.models.cascade.presets import Preset
from noise2music.models.cascade.stage import StageName
from noise2music.models.text.load import TextSettings
from noise2music.models.training.recipe import Recipe, RecipeChanges, recipe_of


class Data(Settings):
    """The training data.

    Args:
        shards: the root of a labeling run, or one shard dataset of it.
        split: which clips are trained on.
        cache: where shards of an object store are kept (None: the user's cache folder).
        workers: threads that decode.
    """

    shards: str
    split: str = "train"
    cache: str | None = None
    workers: int = Field(1, ge=1, le=64)


class Run(Settings):
    """Where training runs. None of it changes what is learned, beyond rounding.

    Args:
        device: "cpu", "cuda" or "auto".
        precision: "fp32", "bf16" (autocast) or "auto", which is bf16 on a GPU.
        parallel: how several processes share a model, "ddp" or "fsdp".
        compile: whether torch.compile compiles each block of the U-Net.
        activation_checkpointing: depths (0 is the top) whose activations are computed again in the backward pass.
        threads: of torch on a CPU.
        at_once: stages that one command trains side by side without GPUs of their own. On two cores, two stages with one thread each are
            faster than one with two.
        skips: steps in a row whose loss or gradient may be no finite number before training stops.
    """

    former_names: ClassVar[Mapping[str, str]] = {"recompute": "activation_checkpointing"}
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    parallel: Literal["ddp", "fsdp"] = "ddp"
    compile: bool = False
    activation_checkpointing: Numbers = frozenset()
    threads: int | None = Field(None, ge=1)
    at_once: int = Field(1, ge=1, le=5)
    skips: int = Field(10, ge=0)


class Checkpoints(Settings):
    """What a run saves: its training state and, with it, the published weights.

    Args:
        every_clips: how often (None: twenty times a run).
        keep_last: how many of the newest states stay.
        keep_every_clips: weights of these moments stay beside the newest.
        profiles: widths sigma_rel of power-function averages whose snapshots stay too, for a choice after training (Karras et al. 2024).
    """

    every_clips: int | None = Field(None, ge=1)
    keep_last: int = Field(2, ge=1)
    keep_every_clips: int | None = Field(None, ge=1)
    profiles: tuple[float, ...] = ()

    @field_validator("profiles")
    @classmethod
    def _possible(cls, widths: tuple[float, ...]) -> tuple[float, ...]:
        if any(not 0.01 <= width <= 0.28 for width in widths) or len(set(widths)) != len(widths):
            raise ValueError("each width is used once and lies between 0.01 and 0.28, for example [0.05, 0.1]")
        return widths


class Validation(Settings):
    """A loss on a fixed grid of clips, noise levels and noise, with averaged weights, so that runs compare.

    Args:
        split: where its clips come from; the training split where the shards have none of it.
        clips: how many.
        levels: how many noise levels.
        seed: of the choice of clips and the noise.
        every_clips: how often (None: twenty times a run).
    """

    split: str = "test"
    clips: int = Field(16, ge=1)
    levels: int = Field(8, ge=1)
    seed: int = 0
    every_clips: int | None = Field(None, ge=1)


class Samples(Settings):
    """Audio and pictures made in training.

    Args:
        clips: how many of the validation clips are made again, under their own conditions.
        prompts: texts of which the generators make samples too.
        steps: of the sampler (None: the stage's).
        every_clips: how often (None: five times a run).
    """

    clips: int = Field(4, ge=0)
    prompts: tuple[str, ...] = ()
    steps: int | None = Field(50, ge=1)
    every_clips: int | None = Field(None, ge=1)


class Log(Settings):
    """The log of a run.

    Args:
        every_clips: how often a line is written (None: 200 times a run).
        tensorboard: whether TensorBoard's files are written too.
    """

    every_clips: int | None = Field(None, ge=1)
    tensorboard: bool = True


class TrainSettings(Settings):
    """A training run of the cascade.

    Args:
        out: folder of the run; each stage has a folder of its own below it.
        data: the labelled shards.
        preset: "paper", "fast" or "tiny": the stages and their recipes.
        seed: of the first weights, the order of the clips, and all noise.
        text: the text encoder.
        recipe: changes of the preset's recipe for all stages.
        stages: by the name of a stage, changes for that one.
        run, checkpoints, validation, samples, log: where it runs, and what it writes how often.
    """

    out: str
    data: Data
    preset: Preset = "tiny"
    seed: int = 0
    text: TextSettings = TextSettings()
    recipe: RecipeChanges = RecipeChanges()
    stages: dict[StageName, RecipeChanges] = Field(default_factory=dict)
    run: Run = Run()
    checkpoints: Checkpoints = Checkpoints()
    validation: Validation = Validation()
    samples: Samples = Samples()
    log: Log = Log()

    def recipe_of(self, stage: StageName) -> Recipe:
        """The recipe of one stage: the preset's, changed by [recipe], then by [stages.NAME]. Raises UserError."""
        try:
            recipe = recipe_of(self.preset, stage).changed_by(self.recipe)
            return recipe.changed_by(self.stages[stage]) if stage in self.stages else recipe
        except ValidationError as error:
            raise UserError(f"the recipe of {stage}: {error.errors()[0]['msg'].removeprefix('Value error, ')}.") from None

    def folder(self, stage: StageName) -> Path:
        """The folder of a stage's run."""
        return Path(self.out) / stage
