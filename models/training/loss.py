"""The loss of a batch (paper section 3.1): w ||eps_hat - eps||^2 averaged over the real positions of each clip, one number a clip."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from noise2music.core.randomness import normals, spread_uniforms, uniforms
from noise2music.models.cascade.stage import Stage
from noise2music.models.cascade.training_pairs import Pair, make_pair
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.prediction import target_of
from noise2music.models.diffusion.schedule import diffuse
from noise2music.models.training.batch import Batch


def draw_pair(stage: Stage, batch: Batch, seed: int) -> Pair:
    """The training pairs of a batch, on its device. Augmentation is a pure function of (seed, clip's number)."""
    device, numbers = batch.audio.device, batch.numbers

    def uniform(purpose: str) -> Tensor:
        return uniforms(seed, numbers, purpose).to(device)

    def normal(purpose: str, shape: tuple[int, ...]) -> Tensor:
        return normals(seed, numbers, purpose, shape, device)

    return make_pair(stage, batch.audio, batch.valid, uniform, normal)


def training_losses(stage: Stage, network: nn.Module, batch: Batch, seed: int, precision: torch.dtype) -> tuple[Tensor, Tensor]:
    """(losses (B,), times (B,) in [0, 1)) of a batch. Times follow the golden ratio over clip numbers, so they cover [0, 1) evenly."""
    pair = draw_pair(stage, batch, seed)
    times = spread_uniforms(seed, batch.numbers, "time")
    log_snr = stage.schedule(times).float().to(batch.audio.device)
    eps = draw_noise(seed, batch.numbers, pair.x0)
    return losses_of(stage, network, pair, batch.with_text(pair.inputs), log_snr, eps, precision), times


def draw_noise(seed: int, numbers: Sequence[int], x0: Tensor) -> Tensor:
    """Noise in the shape of x0 (B, C, T), a pure function of (seed, number)."""
    return normals(seed, numbers, "noise", tuple(x0.shape[1:]), x0.device)


def losses_of(
    stage: Stage, network: nn.Module, pair: Pair, inputs: Inputs, log_snr: Tensor, eps: Tensor, precision: torch.dtype = torch.float32
) -> Tensor:
    """(B,) losses at log SNR (B,) with noise eps (B, C, T). Only the network computes in a lower `precision` (autocast)."""
    with torch.autocast(log_snr.device.type, precision, enabled=precision != torch.float32):
        output = network(diffuse(pair.x0, eps, log_snr), log_snr, inputs)
    errors = (output.float() - target_of(stage.prediction, pair.x0, eps, log_snr)).square() * pair.mask
    positions = pair.mask.sum((1, 2)).clamp(min=1) * pair.x0.shape[1]
    losses: Tensor = errors.sum((1, 2)) / positions * stage.weight.of_output(log_snr, stage.prediction)
    return losses
