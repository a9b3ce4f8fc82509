"""How long and how fast a stage is trained, counted in clips (paper table 2 and section 3.6)."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from torch import nn

from noise2music.core.settings import Settings
from noise2music.models.cascade.presets import Preset
from noise2music.models.cascade.stage import StageName

# When something is due: every so many clips, or so many times a run.


@dataclass(frozen=True)
class Every:
    """Due whenever the count of clips passes a multiple of `clips`."""

    clips: int

    def is_due(self, clips: int, clips_a_step: int) -> bool:
        """Whether the step that brought the count to `clips` passed a multiple."""
        return clips // self.clips > (clips - clips_a_step) // self.clips


def every(clips: int | None, whole: int, times: int) -> Every:
    """Every `clips`, or where that is None `times` in a run of `whole` clips."""
    return Every(clips or max(1, -(-whole // times)))


PAPER_CLIPS_A_STEP = 2048
PAPER_STEPS: Mapping[StageName, int] = {
    "waveform-generator": 1_600_000,
    "waveform-cascader": 460_000,
    "spectrogram-generator": 1_800_000,
    "vocoder": 840_000,
    "super-resolution": 270_000,
}


class Recipe(Settings):
    """One stage's training, with a value for everything. The defaults are the paper's.

    clips: clips to see in all. clips_a_step: clips of one optimizer step, over all devices. clips_at_once: clips that one device
    holds at once; a step is accumulated from as many passes as that takes (None: its whole share in one). seconds: length of a crop
    (None: the stage's). optimizer: "adam" as in the paper, or "adamw". learning_rate: the peak, reached after `warmup_clips`, then a
    cosine to 0 at `decay_clips`. clip_norm: the largest norm of a step's gradient (the paper gives none). ema_decay: of the average of
    weights, a step; it starts as (1 + k) / (10 + k) at step k.
    """

    clips: int = Field(PAPER_CLIPS_A_STEP * 1_600_000, ge=1)
    clips_a_step: int = Field(PAPER_CLIPS_A_STEP, ge=1)
    clips_at_once: int | None = Field(None, ge=1)
    seconds: float | None = Field(None, gt=0)
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = Field(1e-4, gt=0)
    beta_1: float = Field(0.9, ge=0, lt=1)
    beta_2: float = Field(0.999, ge=0, lt=1)
    weight_decay: float = Field(0.0, ge=0)
    warmup_clips: int = Field(PAPER_CLIPS_A_STEP * 10_000, ge=0)
    decay_clips: int = Field(PAPER_CLIPS_A_STEP * 2_500_000, ge=1)
    clip_norm: float = Field(1.0, gt=0)
    ema_decay: float = Field(0.9999, ge=0, lt=1)

    @model_validator(mode="after")
    def _decays_while_it_learns(self) -> "Recipe":
        _check_cosine(self.clips, self.warmup_clips, self.decay_clips)
        return self

    def changed_by(self, changes: "RecipeChanges") -> "Recipe":
        """This recipe with what `changes` gives; another number of clips alone moves the end of the cosine with it.

        Raises pydantic's ValidationError where the two do not go together.
        """
        given = changes.model_dump(exclude_none=True)
        if "clips" in given and "decay_clips" not in given:
            given["decay_clips"] = max(
                round(self.decay_clips * given["clips"] / self.clips), given.get("warmup_clips", self.warmup_clips) + 1, given["clips"]
            )
        whole = {"clips_at_once": "whole", "seconds": "stage"}
        return Recipe.model_validate({**self.model_dump(), **{name: None if whole.get(name) == x else x for name, x in given.items()}})


class RecipeChanges(Settings):
    """What is told of a recipe; None leaves the value of the preset, or of [recipe] where it is told of one stage. So told and not told are
    values like any other, and mean the same after JSON.

    clips_at_once = "whole" and seconds = "stage" take back for one stage what was told of all: a step's whole share in one pass, and the
    stage's own crop.
    """

    clips: int | None = Field(None, ge=1)
    clips_a_step: int | None = Field(None, ge=1)
    clips_at_once: Annotated[int, Field(ge=1)] | Literal["whole"] | None = None
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
    """Raise ValueError where two numbers that are given do not go together."""
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
    clips_a_step = 2 * PAPER_CLIPS_A_STEP if stage == "super-resolution" else PAPER_CLIPS_A_STEP
    return Recipe(
        clips=clips_a_step * PAPER_STEPS[stage],
        clips_a_step=clips_a_step,
        warmup_clips=clips_a_step * 10_000,
        decay_clips=clips_a_step * 2_500_000,
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
        clips=clips, clips_a_step=8, learning_rate=8e-4, beta_2=0.99, warmup_clips=1_600, decay_clips=round(1.05 * clips), ema_decay=0.998
    )


def recipe_of(preset: Preset, stage: StageName) -> Recipe:
    """The recipe that a preset trains a stage by."""
    return tiny_recipe(stage) if preset == "tiny" else paper_recipe(stage)


# The optimizer and its learning rate (paper section 3.6).


def learning_rate(recipe: Recipe, clips: int) -> float:
    """The rate of the step that starts after so many clips: a linear warm-up to the peak, then a cosine that ends at 0."""
    if clips < recipe.warmup_clips:
        return recipe.learning_rate * (clips + recipe.clips_a_step) / (recipe.warmup_clips + recipe.clips_a_step)
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
