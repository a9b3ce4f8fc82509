"""The optimizer and its learning rate (paper section 3.6)."""

import math
from collections.abc import Iterable

import torch
from torch import nn

from models.training.recipe import Recipe


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
