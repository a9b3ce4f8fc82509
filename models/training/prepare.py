"""Everything that a stage's training needs, opened, checked and put in its place before the first step."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from torch import nn
from torch.distributed.tensor import DTensor

from noise2music.core.errors import UserError
from noise2music.core.ids import id_to_int, stable_id
from noise2music.labeling.datasets.uses import note_use
from noise2music.models.cascade.presets import stage_of
from noise2music.models.cascade.stage import CORPUS_RATE, Stage, StageName
from noise2music.models.cascade.weights import DataFacts, Level, TextIdentity, WeightsHeader, software
from noise2music.models.data.loader import Loader
from noise2music.models.data.shards import Shards, open_shards
from noise2music.models.network.block import Block
from noise2music.models.network.unet import UNet
from noise2music.models.text.cache import EmbeddingCache
from noise2music.models.text.conditioning import encode_prompt, pad_text
from noise2music.models.text.encoder import TextEncoder
from noise2music.models.text.load import load_encoder
from noise2music.models.training.batch import Batch, Texts, make_batch
from noise2music.models.training.ema import Average
from noise2music.models.training.level import measure_level
from noise2music.models.training.parallel import Place, share
from noise2music.models.training.plan import Cost, cost_of, peak_flops
from noise2music.models.training.recipe import Every, Recipe, every, make_optimizer
from noise2music.models.training.settings import TrainSettings
from noise2music.models.training.state import State, StateHeader, newest_state
from noise2music.models.training.validation import Grid, Prompted, Sampler, prompt_names

EMA = "ema"
log = logging.getLogger("n2m")


@dataclass(frozen=True)
class Due:
    """When each thing is due."""

    log: Every
    validation: Every
    samples: Every
    checkpoint: Every


@dataclass(frozen=True)
class Prepared:
    """All that the loop works with. start: where the run stands. shared: the network as the loop calls it, the same object on one rank."""

    settings: TrainSettings
    stage: Stage
    recipe: Recipe
    place: Place
    folder: Path
    precision: torch.dtype
    loader: Callable[[int], Loader]
    texts: Texts | None
    network: UNet
    shared: nn.Module
    optimizer: torch.optim.Adam
    averages: dict[str, Average]
    state: State
    start: StateHeader
    grid: Grid
    sampler: Sampler | None
    due: Due
    cost: Cost
    peak: float

    def clip_gradients(self) -> float:
        """Scale the gradient down to the recipe's norm where it is longer. Gives its norm before, over all ranks."""
        norm = nn.utils.clip_grad_norm_(self.shared.parameters(), self.recipe.clip_norm)
        return float(norm.full_tensor() if isinstance(norm, DTensor) else norm)

    def weights_header(self, clips: int, average: str) -> WeightsHeader:
        """What published weights say of themselves."""
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

    def facts(self) -> dict[str, object]:
        """What the first line of a log says."""
        data = self.start.data
        return {
            "stage": self.stage.name,
            "preset": self.settings.preset,
            "parameters": self.cost.parameters,
            "gflops_a_clip": self.cost.flops / 1e9,
            "precision": str(self.precision).removeprefix("torch."),
            "ranks": self.place.world,
            "recipe": self.recipe.model_dump(),
            "data": data.model_dump(),
            "prompts": dict(zip(prompt_names(self.settings.samples.prompts), self.settings.samples.prompts, strict=True)),
            "software": software(),
        }


def profile_name(width: float) -> str:
    """The name of a power-function average among a state's tensors."""
    return f"profile-{width}"


def prepare(settings: TrainSettings, name: StageName, place: Place) -> Prepared:
    """Open the shards and the text encoder, build the stage's network, and take up its newest saved state. Raises UserError."""
    recipe = settings.recipe_of(name)
    if settings.run.threads:
        torch.set_num_threads(settings.run.threads)
    if recipe.clips_a_step % place.world:
        raise UserError(f"clips_a_step = {recipe.clips_a_step} cannot be shared evenly by {place.world} processes.")
    shards = open_shards(settings.data.shards, settings.data.split, CORPUS_RATE, _path(settings.data.cache))
    if place.is_first:
        note_use(shards.dataset, settings.folder(name))
    stage, encoder = _stage_and_encoder(settings, name, recipe)
    cache = EmbeddingCache(encoder, _path(settings.text.cache)) if encoder else None
    texts = Texts(encoder, cache, stage.tokens, settings.text.dropped, settings.seed) if encoder and cache else None
    precision = _precision(settings, place)

    def loader(start: int) -> Loader:
        return Loader(shards, settings.seed, stage.crop_samples, recipe.clips_a_step, place.rank, place.world, start, settings.data.workers)

    found = newest_state(settings.folder(name) / "state")
    start = _start(settings, stage, recipe, shards, encoder, found[0] if found else None)
    network = _network(settings, stage, place)
    shared = share(network, place, settings.run.parallel, precision)
    optimizer = make_optimizer(recipe, list(network.parameters()))
    averages = {name: Average(network.parameters()) for name in (EMA, *map(profile_name, settings.checkpoints.profiles))}
    state = State(network, optimizer, averages)
    if found:
        state.load(found[1], start.updates, found[2])
        log.info("%s: goes on after %s clips", stage.name, f"{start.clips:,}")
    batch = _validation_batch(settings, stage, encoder, cache).to(place.device)
    at_once = recipe.clips_at_once or max(1, recipe.clips_a_step // place.world)
    return Prepared(
        settings=settings,
        stage=stage,
        recipe=recipe,
        place=place,
        folder=settings.folder(name),
        precision=precision,
        loader=loader,
        texts=texts,
        network=network,
        shared=shared,
        optimizer=optimizer,
        averages=averages,
        state=state,
        start=start,
        grid=Grid(stage, batch, settings.validation.levels, settings.validation.seed, at_once),
        sampler=_sampler(settings, stage, batch, encoder, place),
        due=Due(
            log=every(settings.log.every_clips, recipe.clips, 200),
            validation=every(settings.validation.every_clips, recipe.clips, 20),
            samples=every(settings.samples.every_clips, recipe.clips, 5),
            checkpoint=every(settings.checkpoints.every_clips, recipe.clips, 20),
        ),
        cost=cost_of(stage, stage.crop_samples),
        peak=peak_flops(place.device, precision),
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
    """The stage and, where it reads text, the encoder whose embeddings it takes."""
    stage = cropped_stage(settings, name, recipe)
    if not stage.tokens:
        return stage, None
    encoder = load_encoder(settings.text)
    return replace(stage, unet=replace(stage.unet, text_width=encoder.dim)), encoder


def _precision(settings: TrainSettings, place: Place) -> torch.dtype:
    wanted = settings.run.precision
    return torch.bfloat16 if wanted == "bf16" or (wanted == "auto" and place.device.type == "cuda") else torch.float32


def _network(settings: TrainSettings, stage: Stage, place: Place) -> UNet:
    """The network with its first weights, which depend on (seed, stage) alone: the same on every rank."""
    if wrong := [depth for depth in settings.run.recompute if not 0 <= depth < len(stage.unet.strides)]:
        raise UserError(f"run.recompute = {sorted(wrong)}: the {stage.name} has the depths 0 to {len(stage.unet.strides) - 1}.")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed((settings.seed ^ id_to_int(stable_id("network", stage.name))) % 2**63)
        network = UNet(stage.unet)
    network.recomputed = settings.run.recompute
    if settings.run.compile:
        # Blocks share their code, and each width, length and precision is one compilation of it.
        torch._dynamo.config.recompile_limit = max(64, torch._dynamo.config.recompile_limit)
        for block in network.modules():
            if isinstance(block, Block):
                block.compile()
    return network.to(place.device)


def _start(
    settings: TrainSettings, stage: Stage, recipe: Recipe, shards: Shards, encoder: TextEncoder | None, found: StateHeader | None
) -> StateHeader:
    """The header of a saved state, checked against what this run is, or that of a fresh one. Raises UserError where they differ.

    How a stage is sampled by default may have changed since: training does not depend on it.
    """
    text = TextIdentity(name=encoder.name, identity=encoder.identity, dim=encoder.dim) if encoder else None
    if found is None:
        level = measure_level(stage, shards, settings.seed)
        _say_level(stage, level)
        data = DataFacts(digest=shards.digest, clips=shards.clips, licences=shards.licences, vocabularies=shards.vocabularies, level=level)
        return StateHeader(stage=stage, text=text, data=data, seed=settings.seed, clips_a_step=recipe.clips_a_step)
    differences = {
        "the stage": replace(found.stage, sampling=stage.sampling) == stage,
        "the text encoder": (found.text and found.text.identity) == (text and text.identity),
        "the shards": found.data.digest == shards.digest,
        "seed": found.seed == settings.seed,
        "clips_a_step": found.clips_a_step == recipe.clips_a_step,
    }
    if changed := [what for what, same in differences.items() if not same]:
        raise UserError(
            f"{settings.folder(stage.name)} holds a run of the {stage.name} with another value of {', '.join(changed)}. "
            "Set another `out` for a new run, or remove that folder."
        )
    return found


def _say_level(stage: Stage, level: Level) -> None:
    if not 0.25 <= level.spread <= 1.0:
        log.warning(
            "%s: training audio has an rms of %.1f dBFS, which is a spread of %.2f in the network's units; 0.25 to 1 trains well.",
            stage.name,
            level.rms_dbfs,
            level.spread,
        )


def _validation_batch(settings: TrainSettings, stage: Stage, encoder: TextEncoder | None, cache: EmbeddingCache | None) -> Batch:
    """The first clips of the validation split in the order of its own seed; every text is kept."""
    wanted = settings.validation
    shards = _validation_shards(settings)
    texts = Texts(encoder, cache, stage.tokens, 0.0, wanted.seed) if encoder and cache else None
    with Loader(shards, wanted.seed, stage.crop_samples, min(wanted.clips, shards.clips)) as loader:
        return make_batch(next(iter(loader)), texts)


def _validation_shards(settings: TrainSettings) -> Shards:
    cache = _path(settings.data.cache)
    try:
        return open_shards(settings.data.shards, settings.validation.split, CORPUS_RATE, cache)
    except UserError:
        if settings.validation.split == settings.data.split:
            raise
        log.info("The shards have no clip of the split %r: the validation loss is measured on training clips.", settings.validation.split)
        return open_shards(settings.data.shards, settings.data.split, CORPUS_RATE, cache)


def _sampler(settings: TrainSettings, stage: Stage, batch: Batch, encoder: TextEncoder | None, place: Place) -> Sampler | None:
    if settings.samples.clips == 0 and not settings.samples.prompts:
        return None
    few = batch.parts(max(1, settings.samples.clips))[0]
    prompted = None
    if encoder is not None and stage.source is None and settings.samples.prompts:
        embedded = [encode_prompt(prompt, encoder, stage.tokens)[0] for prompt in settings.samples.prompts]
        text, mask = pad_text(embedded, stage.tokens, encoder.dim)
        prompted = Prompted(settings.samples.prompts, text.to(place.device), mask.to(place.device))
    return Sampler(stage, few, prompted, settings.samples.steps, settings.validation.seed, settings.folder(stage.name) / "samples")
