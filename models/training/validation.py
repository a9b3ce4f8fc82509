"""Validation: a loss on a fixed grid of clips, noise levels and noise, and samples. So two runs, or two moments of one, compare."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from noise2music.core.audio.encode import audio_bytes
from noise2music.core.audio.spectrogram import picture_png, spectrogram_png
from noise2music.core.errors import UserError
from noise2music.core.randomness import normals
from noise2music.models.cascade.sample import sample, with_steps
from noise2music.models.cascade.stage import CORPUS_RATE, Stage
from noise2music.models.cascade.training_pairs import in_full_scale, true_inputs, x0_of
from noise2music.models.data.loader import Loader
from noise2music.models.data.shards import Shards, open_shards
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.network.unet import UNet
from noise2music.models.text.conditioning import encode_prompt, pad_text
from noise2music.models.text.encoder import EmbeddingCache, TextEncoder
from noise2music.models.training.batch import Batch, Texts, make_batch
from noise2music.models.training.loss import draw_noise, draw_pair, losses_of
from noise2music.models.training.settings import TrainSettings

log = logging.getLogger("n2m")

# Samples of a stage in the middle of its training, as audio and pictures, beside the clips that they should come near.


@dataclass(frozen=True)
class PromptBatch:
    """Prompts with their padded embeddings (P, tokens, dim) and mask (P, tokens)."""

    prompts: tuple[str, ...]
    text: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Sampler:
    """Makes samples of `stage` for the clips of a batch, and for prompts where there are any, into folders below `folder`."""

    stage: Stage
    batch: Batch
    prompt_batch: PromptBatch | None
    steps: int | None
    seed: int
    folder: Path

    def write_references(self) -> None:
        """The clips themselves as this stage's signal, into reference/."""
        _write(self.folder / "reference", self.stage, x0_of(self.stage, self.batch.audio), self.batch.clip_ids)

    def draw(self, network: UNet) -> tuple[Tensor, Tensor | None]:
        """Samples (B, C, T) for the clips and (P, C, T) for the prompts, with the weights that the network has now."""
        audio = self.batch.audio
        stage = replace(self.stage, sampling=with_steps(self.stage.sampling, self.steps))
        shape = (stage.channels, stage.positions(audio.shape[-1]))
        inputs = self.batch.with_text(true_inputs(stage, audio))
        samples = sample(stage, network, inputs, lambda purpose: normals(self.seed, self.batch.numbers, purpose, shape, audio.device))
        if self.prompt_batch is None:
            return samples, None
        numbers = range(len(self.prompt_batch.prompts))
        text = Inputs(text=self.prompt_batch.text, text_mask=self.prompt_batch.mask)
        return samples, sample(stage, network, text, lambda purpose: normals(self.seed, numbers, purpose, shape, audio.device))

    def write(self, clips: int, samples: Tensor, prompt_samples: Tensor | None) -> Path:
        """Write the samples after so many clips of training. Returns their folder."""
        folder = self.folder / f"clips-{clips:012d}"
        _write(folder, self.stage, samples, self.batch.clip_ids)
        if prompt_samples is not None and self.prompt_batch is not None:
            _write(folder, self.stage, prompt_samples, prompt_names(self.prompt_batch.prompts))
        return folder


def prompt_names(prompts: Sequence[str]) -> list[str]:
    """The names of the files of prompts, without suffix."""
    return [f"prompt-{number:02d}" for number in range(len(prompts))]


def audio_of(stage: Stage, x0: Tensor) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """One waveform (1, T) in network units -> (T,) samples within full scale."""
    audio = in_full_scale(stage, x0[None])[0, 0].clamp(-1, 1).float().cpu().numpy()
    return np.asarray(audio, np.float32)


def _write(folder: Path, stage: Stage, signals: Tensor, names: Sequence[str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, x0 in zip(names, signals.float().cpu(), strict=True):
        if stage.signal.domain == "log_mel":
            picture = picture_png(((x0 + 1) / 2).double().numpy())
        else:
            audio = audio_of(stage, torch.nan_to_num(x0))
            (folder / f"{name}.flac").write_bytes(audio_bytes(audio, stage.signal.rate))
            picture = spectrogram_png(audio, stage.signal.rate)
        (folder / f"{name}.png").write_bytes(picture)


@dataclass(frozen=True)
class GridLoss:
    """loss: the mean over the grid. by_level: mean at each time, from nearly clean to nearly noise."""

    loss: float
    by_level: tuple[float, ...]


@dataclass(frozen=True)
class Grid:
    """`batch` at each of `levels` times in the middle of equal parts of [0, 1], `at_once` clips at a time."""

    stage: Stage
    batch: Batch
    levels: int
    seed: int
    at_once: int

    def __call__(self, network: nn.Module, precision: torch.dtype) -> GridLoss:
        """The losses with the weights that the network has now; nothing is learned."""
        sums = torch.zeros(self.levels, dtype=torch.float64)
        device = self.batch.audio.device
        for part in self.batch.parts(self.at_once):
            pair = draw_pair(self.stage, part, self.seed)
            inputs = part.with_text(pair.inputs)
            for level in range(self.levels):
                time = torch.full((len(part.numbers),), (level + 0.5) / self.levels, dtype=torch.float64)
                log_snr = self.stage.schedule(time).float().to(device)
                eps = draw_noise(self.seed, [number * self.levels + level for number in part.numbers], pair.x0)
                with torch.no_grad():
                    sums[level] += losses_of(self.stage, network, pair, inputs, log_snr, eps, precision).double().sum().cpu()
        by_level = (sums / len(self.batch.numbers)).tolist()
        return GridLoss(sum(by_level) / self.levels, tuple(by_level))


def validation_batch(settings: TrainSettings, stage: Stage, encoder: TextEncoder | None, cache: EmbeddingCache | None) -> Batch:
    """The first clips of the validation split in the order of its own seed; no text is dropped."""
    grid = settings.validation
    shards = _validation_shards(settings)
    texts = Texts(encoder, cache, stage.tokens, dropped=0.0, seed=grid.seed) if encoder and cache else None
    with Loader(shards, grid.seed, stage.crop_samples, min(grid.clips, shards.clips)) as loader:
        return make_batch(next(iter(loader)), texts)


def _validation_shards(settings: TrainSettings) -> Shards:
    cache = Path(settings.data.cache) if settings.data.cache else None
    try:
        return open_shards(settings.data.shards, settings.validation.split, CORPUS_RATE, cache)
    except UserError:
        if settings.validation.split == settings.data.split:
            raise
        log.info("The shards have no clip of the split %r: the validation loss is measured on training clips.", settings.validation.split)
        return open_shards(settings.data.shards, settings.data.split, CORPUS_RATE, cache)


def make_sampler(settings: TrainSettings, stage: Stage, batch: Batch, encoder: TextEncoder | None) -> Sampler | None:
    """Samples of the first clips of `batch`, and of the prompts where this stage starts from text; None where the settings ask for none."""
    if settings.samples.clips == 0 and not settings.samples.prompts:
        return None
    few = batch.parts(max(1, settings.samples.clips))[0]
    prompt_batch = None
    if encoder is not None and stage.source is None and settings.samples.prompts:
        embedded = [encode_prompt(prompt, encoder, stage.tokens)[0] for prompt in settings.samples.prompts]
        text, mask = pad_text(embedded, stage.tokens, encoder.dim)
        prompt_batch = PromptBatch(settings.samples.prompts, text.to(batch.audio.device), mask.to(batch.audio.device))
    return Sampler(
        stage=stage,
        batch=few,
        prompt_batch=prompt_batch,
        steps=settings.samples.steps,
        seed=settings.validation.seed,
        folder=settings.folder(stage.name) / "samples",
    )
