"""A loss on a fixed grid of clips, noise levels and noise, so that two runs, or two moments of one, compare without luck."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from noise2music.core.audio.encode import audio_bytes
from noise2music.core.audio.spectrogram import picture_png, spectrogram_png
from noise2music.core.randomness import normals
from noise2music.models.cascade.sample import sample, with_steps
from noise2music.models.cascade.stage import Stage
from noise2music.models.cascade.training_pairs import in_full_scale, true_inputs, x0_of
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.network.unet import UNet
from noise2music.models.training.batch import Batch
from noise2music.models.training.loss import draw_noise, draw_pair, losses_of

# Audio and pictures of what a stage makes in the middle of its training, beside the clips that it should come near.


@dataclass(frozen=True)
class Prompted:
    """Prompts with their padded embeddings (P, tokens, dim) and mask (P, tokens)."""

    prompts: tuple[str, ...]
    text: Tensor
    mask: Tensor


@dataclass(frozen=True)
class Sampler:
    """Makes samples of `stage` for the clips of a batch, and for prompts where there are any, into folders below `folder`."""

    stage: Stage
    batch: Batch
    prompted: Prompted | None
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
        drawn = sample(stage, network, inputs, lambda purpose: normals(self.seed, self.batch.numbers, purpose, shape, audio.device))
        if self.prompted is None:
            return drawn, None
        numbers = range(len(self.prompted.prompts))
        asked = Inputs(text=self.prompted.text, text_mask=self.prompted.mask)
        return drawn, sample(stage, network, asked, lambda purpose: normals(self.seed, numbers, purpose, shape, audio.device))

    def write(self, clips: int, drawn: Tensor, asked: Tensor | None) -> Path:
        """Write what was drawn after so many clips of training. Gives the folder."""
        folder = self.folder / f"clips-{clips:012d}"
        _write(folder, self.stage, drawn, self.batch.clip_ids)
        if asked is not None and self.prompted is not None:
            _write(folder, self.stage, asked, prompt_names(self.prompted.prompts))
        return folder


def prompt_names(prompts: Sequence[str]) -> list[str]:
    """What the files of prompts are called."""
    return [f"prompt-{number:02d}" for number in range(len(prompts))]


def audio_of(stage: Stage, x0: Tensor) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """One waveform (1, T) in network units -> (T,) samples within full scale."""
    found = in_full_scale(stage, x0[None])[0, 0].clamp(-1, 1).float().cpu().numpy()
    return np.asarray(found, np.float32)


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
                lam = self.stage.schedule(time).float().to(device)
                eps = draw_noise(self.seed, [number * self.levels + level for number in part.numbers], pair.x0)
                with torch.no_grad():
                    sums[level] += losses_of(self.stage, network, pair, inputs, lam, eps, precision).double().sum().cpu()
        by_level = (sums / len(self.batch.numbers)).tolist()
        return GridLoss(sum(by_level) / self.levels, tuple(by_level))
