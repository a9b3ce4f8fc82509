"""The setup of a stage's training: all that the loop needs is opened and checked before the first step."""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.distributed.tensor import DTensor

from noise2music.core.errors import UserError
from noise2music.core.ids import id_to_int, stable_id
from noise2music.labeling.datasets.uses import note_use
from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.stage import CORPUS_RATE, Stage, StageName
from noise2music.models.cascade.training_pairs import x0_of
from noise2music.models.cascade.weights import DataFacts, Level, TextIdentity, WeightsHeader, software
from noise2music.models.data.loader import Loader
from noise2music.models.data.shards import Shards, open_shards
from noise2music.models.network.block import Block
from noise2music.models.network.unet import UNet
from noise2music.models.text.encoder import EmbeddingCache, TextEncoder
from noise2music.models.text.load import load_encoder
from noise2music.models.training.batch import Texts
from noise2music.models.training.ema import Average
from noise2music.models.training.parallel import DistContext, wrap_model
from noise2music.models.training.plan import Cost, cost_of, peak_flops
from noise2music.models.training.recipe import Interval, Recipe, interval, make_optimizer
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.state import State, StateHeader, newest_state
from noise2music.models.training.validation import Grid, Sampler, make_sampler, prompt_names, validation_batch

EMA = "ema"
# Clips that the level of training audio is measured on, and how many of them at once.
_LEVEL_CLIPS = 64
_AT_ONCE = 8
log = logging.getLogger("n2m")


@dataclass(frozen=True)
class Intervals:
    """Intervals of the log, validation, samples and checkpoints."""

    log: Interval
    validation: Interval
    samples: Interval
    checkpoint: Interval


@dataclass(frozen=True)
class TrainingSetup:
    """All that the loop works with. start: where the run stands. model: the network as the loop calls it; with one rank the same object."""

    settings: TrainSettings
    stage: Stage
    recipe: Recipe
    dist: DistContext
    folder: Path
    precision: torch.dtype
    loader: Callable[[int], Loader]
    texts: Texts | None
    network: UNet
    model: nn.Module
    optimizer: torch.optim.Adam
    averages: dict[str, Average]
    state: State
    start: StateHeader
    grid: Grid
    sampler: Sampler | None
    intervals: Intervals
    cost: Cost
    peak: float

    def clip_gradients(self) -> float:
        """Scale the gradient down to the recipe's norm where it is longer. Returns its norm before, over all ranks."""
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip_norm)
        return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)

    def weights_header(self, clips: int, average: str) -> WeightsHeader:
        """The header of published weights."""
        return WeightsHeader(
            preset=self.settings.preset,
            stage=self.stage,
            text=self.start.text,
            data=self.start.data,
            clips=clips,
            seed=self.settings.seed,
            average=average,
            software=software(),
        )

    def first_line(self) -> dict[str, object]:
        """The values of the first line of the log."""
        data = self.start.data
        return {
            "stage": self.stage.name,
            "preset": self.settings.preset,
            "parameters": self.cost.parameters,
            "gflops_a_clip": self.cost.flops / 1e9,
            "precision": str(self.precision).removeprefix("torch."),
            "ranks": self.dist.world,
            "recipe": self.recipe.model_dump(),
            "data": data.model_dump(),
            "prompts": dict(zip(prompt_names(self.settings.samples.prompts), self.settings.samples.prompts, strict=True)),
            "software": software(),
        }


def profile_name(width: float) -> str:
    """The name of a power-function average among a state's tensors."""
    return f"profile-{width}"


def prepare(settings: TrainSettings, name: StageName, dist: DistContext) -> TrainingSetup:
    """Open the shards and the text encoder, build the stage's network, and load its newest saved state. Raises UserError."""
    recipe = settings.recipe_of(name)
    if settings.run.threads:
        torch.set_num_threads(settings.run.threads)
    if recipe.global_batch_size % dist.world:
        raise UserError(f"global_batch_size = {recipe.global_batch_size} cannot be shared evenly by {dist.world} processes.")
    shards = open_shards(settings.data.shards, settings.data.split, CORPUS_RATE, _path(settings.data.cache))
    if dist.is_first:
        note_use(shards.dataset, settings.folder(name))
    stage, encoder = _stage_and_encoder(settings, name, recipe)
    cache = EmbeddingCache(encoder, _path(settings.text.cache)) if encoder else None
    texts = Texts(encoder, cache, stage.tokens, dropped=settings.text.dropped, seed=settings.seed) if encoder and cache else None
    precision = _precision(settings, dist)

    def loader(start: int) -> Loader:
        return Loader(
            shards,
            seed=settings.seed,
            crop_samples=stage.crop_samples,
            global_batch_size=recipe.global_batch_size,
            rank=dist.rank,
            world=dist.world,
            start=start,
            workers=settings.data.workers,
        )

    newest = newest_state(settings.folder(name) / "state")
    start = _start(settings, stage, recipe, shards, encoder, newest[0] if newest else None)
    network = _network(settings, stage, dist)
    model = wrap_model(network, dist, settings.run.parallel, precision)
    optimizer = make_optimizer(recipe, list(network.parameters()))
    averages = {name: Average(network.parameters()) for name in (EMA, *map(profile_name, settings.checkpoints.profiles))}
    state = State(network, optimizer, averages)
    if newest:
        state.load(newest[1], start.updates, newest[2])
        log.info("%s: goes on after %s clips", stage.name, f"{start.clips:,}")
    batch = validation_batch(settings, stage, encoder, cache).to(dist.device)
    at_once = recipe.micro_batch_size or max(1, recipe.global_batch_size // dist.world)
    return TrainingSetup(
        settings=settings,
        stage=stage,
        recipe=recipe,
        dist=dist,
        folder=settings.folder(name),
        precision=precision,
        loader=loader,
        texts=texts,
        network=network,
        model=model,
        optimizer=optimizer,
        averages=averages,
        state=state,
        start=start,
        grid=Grid(stage, batch, levels=settings.validation.levels, seed=settings.validation.seed, at_once=at_once),
        sampler=make_sampler(settings, stage, batch, encoder),
        intervals=Intervals(
            log=interval(settings.log.every_clips, recipe.clips, 200),
            validation=interval(settings.validation.every_clips, recipe.clips, 20),
            samples=interval(settings.samples.every_clips, recipe.clips, 5),
            checkpoint=interval(settings.checkpoints.every_clips, recipe.clips, 20),
        ),
        cost=cost_of(stage, stage.crop_samples),
        peak=peak_flops(dist.device, precision),
    )


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None


def cropped_stage(settings: TrainSettings, name: StageName, recipe: Recipe) -> Stage:
    """The preset's stage with the recipe's crop. Raises UserError where it cannot have that."""
    stage = stage_of(settings.preset, name)
    if recipe.seconds is None:
        return stage
    try:
        return replace(stage, seconds=recipe.seconds)
    except ValueError as error:
        raise UserError(f"the recipe of {name}: {error}.") from None


def _stage_and_encoder(settings: TrainSettings, name: StageName, recipe: Recipe) -> tuple[Stage, TextEncoder | None]:
    """The stage and, where it reads text, its text encoder."""
    stage = cropped_stage(settings, name, recipe)
    if not stage.tokens:
        return stage, None
    encoder = load_encoder(settings.text)
    return replace(stage, unet=replace(stage.unet, text_width=encoder.dim)), encoder


def _precision(settings: TrainSettings, dist: DistContext) -> torch.dtype:
    precision = settings.run.precision
    return torch.bfloat16 if precision == "bf16" or (precision == "auto" and dist.device.type == "cuda") else torch.float32


def _network(settings: TrainSettings, stage: Stage, dist: DistContext) -> UNet:
    """The network with its first weights, which depend on (seed, stage) alone: the same on every rank."""
    if wrong := [depth for depth in settings.run.activation_checkpointing if not 0 <= depth < len(stage.unet.strides)]:
        raise UserError(
            f"run.activation_checkpointing = {sorted(wrong)}: the {stage.name} has the depths 0 to {len(stage.unet.strides) - 1}."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed((settings.seed ^ id_to_int(stable_id("network", stage.name))) % 2**63)
        network = UNet(stage.unet)
    network.checkpointed = settings.run.activation_checkpointing
    if settings.run.compile:
        # Blocks share their code, and each width, length and precision is one compilation of it.
        torch._dynamo.config.recompile_limit = max(64, torch._dynamo.config.recompile_limit)
        for block in network.modules():
            if isinstance(block, Block):
                block.compile()
    return network.to(dist.device)


def _start(
    settings: TrainSettings, stage: Stage, recipe: Recipe, shards: Shards, encoder: TextEncoder | None, header: StateHeader | None
) -> StateHeader:
    """The header of a saved state, checked against this run, or that of a fresh one. Raises UserError where they differ.

    The default sampling of a stage may differ: training does not depend on it.
    """
    text = TextIdentity(name=encoder.name, identity=encoder.identity, dim=encoder.dim) if encoder else None
    if header is None:
        level = measure_level(stage, shards, settings.seed)
        _warn_of_level(stage, level)
        data = DataFacts(digest=shards.digest, clips=shards.clips, licences=shards.licences, vocabularies=shards.vocabularies, level=level)
        return StateHeader(stage=stage, text=text, data=data, seed=settings.seed, global_batch_size=recipe.global_batch_size)
    differences = {
        "the stage": replace(header.stage, sampling=stage.sampling) == stage,
        "the text encoder": (header.text and header.text.identity) == (text and text.identity),
        "the shards": header.data.digest == shards.digest,
        "seed": header.seed == settings.seed,
        "global_batch_size": header.global_batch_size == recipe.global_batch_size,
    }
    if changed := [what for what, same in differences.items() if not same]:
        raise UserError(
            f"{settings.folder(stage.name)} holds a run of the {stage.name} with another value of {', '.join(changed)}. "
            "Set another `out` for a new run, or remove that folder."
        )
    return header


def _warn_of_level(stage: Stage, level: Level) -> None:
    if not 0.25 <= level.std <= 1.0:
        log.warning(
            "%s: training audio has an rms of %.1f dBFS, a standard deviation of %.2f in the network's units; 0.25 to 1 trains well.",
            stage.name,
            level.rms_dbfs,
            level.std,
        )


# How loud training audio is. It is not normalised: loudness is part of music, and a text can speak of it.


def measure_level(stage: Stage, shards: Shards, seed: int) -> Level:
    """Root mean square of the first clips of a run, and the standard deviation of their x0 in this stage's network units."""
    squares, samples, sums, x0_squares, values = 0.0, 0, 0.0, 0.0, 0
    at_once = min(_AT_ONCE, shards.clips)
    with Loader(shards, seed, stage.crop_samples, at_once) as loader:
        for _, clips in zip(range(-(-min(_LEVEL_CLIPS, shards.clips) // at_once)), loader, strict=False):
            for clip in clips:
                squares += float(np.square(clip.audio, dtype=np.float64).sum())
                samples += clip.valid
            x0 = x0_of(stage, torch.from_numpy(np.stack([clip.audio for clip in clips]))).double()
            sums, x0_squares, values = sums + float(x0.sum()), x0_squares + float(x0.square().sum()), values + x0.numel()
    rms = math.sqrt(squares / max(1, samples))
    mean = sums / max(1, values)
    std = math.sqrt(max(0.0, x0_squares / max(1, values) - mean**2))
    return Level(rms_dbfs=round(20 * math.log10(max(rms, 1e-6)), 2), std=round(std, 4))
