"""How long and how fast a stage is trained, counted in clips (paper table 2 and section 3.6)."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, model_validator
from torch import nn

from noise2music.core.settings import Settings
from noise2music.models.cascade.presets import Preset
from noise2music.models.cascade.stage import StageName

# Intervals: every so many clips, or so many times a run.


@dataclass(frozen=True)
class Interval:
    """Due whenever the count of clips passes a multiple of `clips`."""

    clips: int

    def is_due(self, clips: int, global_batch_size: int) -> bool:
        """Whether the step that brought the count to `clips` passed a multiple."""
        return clips // self.clips > (clips - global_batch_size) // self.clips


def interval(clips: int | None, whole: int, times: int) -> Interval:
    """Every `clips`, or where that is None `times` in a run of `whole` clips."""
    return Interval(clips or max(1, -(-whole // times)))


PAPER_BATCH_SIZE = 2048
FORMER_NAMES: Mapping[str, str] = {"clips_a_step": "global_batch_size", "clips_at_once": "micro_batch_size"}
PAPER_STEPS: Mapping[StageName, int] = {
    "waveform-generator": 1_600_000,
    "waveform-cascader": 460_000,
    "spectrogram-generator": 1_800_000,
    "vocoder": 840_000,
    "super-resolution": 270_000,
}


class Recipe(Settings):
    """One stage's training, with a value for everything. The defaults are the paper's.

    Args:
        clips: clips to see in all.
        global_batch_size: clips of one optimizer step, over all devices.
        micro_batch_size: clips that one device holds at once; a step accumulates the gradients of as many passes as that takes (None: one).
        seconds: length of a crop (None: the stage's).
        optimizer: "adam" as in the paper, or "adamw".
        learning_rate: the peak, reached after `warmup_clips`.
        beta_1, beta_2, weight_decay: of the optimizer.
        warmup_clips: clips of the linear warm-up.
        decay_clips: clips at which the cosine behind the peak reaches 0.
        clip_norm: the largest norm of a step's gradient (the paper gives none).
        ema_decay: of the average of weights, a step; it starts as (1 + k) / (10 + k) at step k.
    """

    former_names: ClassVar[Mapping[str, str]] = FORMER_NAMES
    clips: int = Field(PAPER_BATCH_SIZE * 1_600_000, ge=1)
    global_batch_size: int = Field(PAPER_BATCH_SIZE, ge=1)
    micro_batch_size: int | None = Field(None, ge=1)
    seconds: float | None = Field(None, gt=0)
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = Field(1e-4, gt=0)
    beta_1: float = Field(0.9, ge=0, lt=1)
    beta_2: float = Field(0.999, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    warmup_clips: int = Field(PAPER_BATCH_SIZE * 10_000, ge=0)
    decay_clips: int = Field(PAPER_BATCH_SIZE * 2_500_000, ge=1)
    clip_norm: float = Field(1.0, gt=0)
    ema_decay: float = Field(0.9999, ge=0, lt=1)

    @model_validator(mode="after")
    def _decays_while_it_learns(self) -> "Recipe":
        _check_cosine(self.clips, self.warmup_clips, self.decay_clips)
        return self

    def changed_by(self, changes: "RecipeChanges") -> "Recipe":
        """This recipe with the values of `changes`. Another number of clips alone moves the end of the cosine with it.

        Raises pydantic's ValidationError where the two do not go together.
        """
        new = changes.model_dump(exclude_none=True)
        if "clips" in new and "decay_clips" not in new:
            new["decay_clips"] = max(
                round(self.decay_clips * new["clips"] / self.clips), new.get("warmup_clips", self.warmup_clips) + 1, new["clips"]
            )
        whole = {"micro_batch_size": "whole", "seconds": "stage"}
        return Recipe.model_validate({**self.model_dump(), **{name: None if whole.get(name) == x else x for name, x in new.items()}})


class RecipeChanges(Settings):
    """Changes of a recipe. None leaves the value of the preset or, in [stages.NAME], of [recipe]. What is not given is None, a value like
    any other, and so means the same after JSON.

    For one stage, micro_batch_size = "whole" and seconds = "stage" undo what [recipe] says of all: a step's whole share in one pass, and
    the stage's own crop.
    """

    former_names: ClassVar[Mapping[str, str]] = FORMER_NAMES
    clips: int | None = Field(None, ge=1)
    global_batch_size: int | None = Field(None, ge=1)
    micro_batch_size: Annotated[int, Field(ge=1)] | Literal["whole"] | None = None
    seconds: Annotated[float, Field(gt=0)] | Literal["stage"] | None = None
    optimizer: Literal["adam", "adamw"] | None = None
    learning_rate: float | None = Field(None, gt=0)
    beta_1: float | None = Field(None, ge=0, lt=1)
    beta_2: float | None = Field(None, ge=0, lt=1)
    weight_decay: float | None = Field(None, ge=0)
    warmup_clips: int | None = Field(None, ge=0)
    decay_clips: int | None = Field(None, ge=1)
    clip_norm: float | None = Field(None, gt=0)
    ema_decay: float | None = Field(None, ge=0, lt=1)

    @model_validator(mode="after")
    def _decays_while_it_learns(self) -> "RecipeChanges":
        _check_cosine(self.clips, self.warmup_clips, self.decay_clips)
        return self


def _check_cosine(clips: int | None, warmup_clips: int | None, decay_clips: int | None) -> None:
    """Raise ValueError where two of the numbers do not go together."""
    if decay_clips is None:
        return
    if warmup_clips is not None and decay_clips <= warmup_clips:
        raise ValueError(f"decay_clips = {decay_clips} must be more than warmup_clips = {warmup_clips}")
    if clips is not None and clips > decay_clips:
        raise ValueError(
            f"clips = {clips} goes beyond decay_clips = {decay_clips}, where the learning rate is 0 and nothing more is "
            "learnt: give a larger decay_clips too"
        )


def paper_recipe(stage: StageName) -> Recipe:
    """The paper's: batch 2048 (4096 for super-resolution), 10 k steps of warm-up, cosine to 2.5 M steps, stopped at table 2's steps."""
    global_batch_size = 2 * PAPER_BATCH_SIZE if stage == "super-resolution" else PAPER_BATCH_SIZE
    return Recipe(
        clips=global_batch_size * PAPER_STEPS[stage],
        global_batch_size=global_batch_size,
        warmup_clips=global_batch_size * 10_000,
        decay_clips=global_batch_size * 2_500_000,
    )


TINY_CLIPS: Mapping[StageName, int] = {
    "waveform-generator": 196_000,
    "waveform-cascader": 296_000,
    "spectrogram-generator": 76_000,
    "vocoder": 28_000,
    "super-resolution": 5_000,
}


def tiny_recipe(stage: StageName) -> Recipe:
    """For the tiny preset: as many clips as two cores see in about six hours over all five stages."""
    clips = TINY_CLIPS[stage]
    return Recipe(
        clips=clips,
        global_batch_size=8,
        learning_rate=8e-4,
        beta_2=0.99,
        warmup_clips=1_600,
        decay_clips=round(1.05 * clips),
        ema_decay=0.998,
    )


def recipe_of(preset: Preset, stage: StageName) -> Recipe:
    """The recipe that a preset trains a stage by."""
    return tiny_recipe(stage) if preset == "tiny" else paper_recipe(stage)


# The optimizer and its learning rate (paper section 3.6).


def learning_rate(recipe: Recipe, clips: int) -> float:
    """The rate of the step that starts after so many clips: a linear warm-up to the peak, then a cosine that ends at 0."""
    if clips < recipe.warmup_clips:
        return recipe.learning_rate * (clips + recipe.global_batch_size) / (recipe.warmup_clips + recipe.global_batch_size)
    decay = max(1, recipe.decay_clips - recipe.warmup_clips)
    progress = min(1.0, (clips - recipe.warmup_clips) / decay)
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * progress))


def make_optimizer(recipe: Recipe, parameters: Iterable[nn.Parameter]) -> torch.optim.Adam:
    """Adam, or AdamW with decoupled weight decay, fused. Its learning rate is set anew before each step."""
    kind = torch.optim.Adam if recipe.optimizer == "adam" else torch.optim.AdamW
    betas = (recipe.beta_1, recipe.beta_2)
    return kind(parameters, lr=recipe.learning_rate, betas=betas, weight_decay=recipe.weight_decay, fused=True)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Let the next step use `rate`."""
    for group in optimizer.param_groups:
        group["lr"] = rate
