"""Clips of one length through the stages of a cascade, from text or given audio to what the last stage makes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from noise2music.core.errors import RowError
from noise2music.core.randomness import normals
from noise2music.models.cascade.sample import Draw, sample
from noise2music.models.cascade.stage import FRAME_SAMPLES, Stage
from noise2music.models.cascade.training_pairs import clean_inputs, entering, in_full_scale
from noise2music.models.cascade.windows import windowed
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.generation.cascade import Cascade
from noise2music.models.generation.given import known_part, source_signal
from noise2music.models.generation.guards import check_finite
from noise2music.models.generation.lengths import pieces, worked_frames
from noise2music.models.generation.plan import Plan
from noise2music.models.generation.texts import Embedded
from noise2music.models.network.unet import UNet
from noise2music.models.signal.known import Known
from noise2music.models.text.conditioning import pad_text

Texts = Mapping[tuple[str, int], Embedded]
"""Text and length of sequence -> embedding."""


@dataclass(frozen=True)
class Drawn:
    """The last stage's signal (C, T) in network units, on the CPU, and the estimates that it took."""

    x0: Tensor
    calls: int


@torch.inference_mode()
def run_chain(cascade: Cascade, plans: Sequence[Plan], texts: Texts) -> list[Drawn | RowError]:
    """Every stage in turn, for clips of one length of which all keep audio or none does. One that is no number any more fails alone, and
    the others go on.
    """
    failed: dict[int, RowError] = {}
    calls, signal = 0, torch.empty(0)
    before: Stage | None = None
    for stage, frames in zip(cascade.stages, worked_frames(cascade.stages, plans[0].frames), strict=True):
        inputs, told = _inputs(cascade, stage, plans, frames, before, signal), _Told(texts, stage, cascade.device)
        negatives = [plan.request.negative or None for plan in plans]
        # Where no clip has a negative prompt the other estimate is made without any text.
        unwanted = told.with_text(inputs, negatives) if stage.tokens and any(negatives) else None
        inputs = told.with_text(inputs, [plan.request.prompt for plan in plans])
        known = _known(cascade, stage, plans, frames)
        with cascade.networks.use(stage.name) as network:
            positions = stage.positions(frames * FRAME_SAMPLES)
            counted = _Counted(network, cascade.half, cascade.device)
            over = windowed(counted, pieces(stage, positions, cascade.settings), stage.unet.stride)
            noise = _noise(plans, stage, positions, cascade.device)
            signal = sample(stage, over, inputs, noise, unwanted, known, cascade.settings.rounds if stage.source is None else 1)
        calls += counted.rows // len(plans)
        failed |= _failures(signal, stage)
        if len(failed) == len(plans):
            break
        signal, before = torch.nan_to_num(signal), stage
    rows = signal.cpu()
    return [failed[row] if row in failed else Drawn(rows[row], calls) for row in range(len(plans))]


class _Counted:
    """A network in the precision of the cascade that counts the rows it was given. What it says is fp32."""

    def __init__(self, network: UNet, half: bool, device: torch.device) -> None:
        self.rows = 0
        self._network, self._half, self._kind = network, half, device.type

    def __call__(self, x: Tensor, lam: Tensor, inputs: Inputs) -> Tensor:
        self.rows += len(x)
        with torch.autocast(self._kind, torch.bfloat16, enabled=self._half):
            said: Tensor = self._network(x, lam, inputs)
        return said.float()


@dataclass(frozen=True)
class _Told:
    """What a stage is told in words."""

    texts: Texts
    stage: Stage
    device: torch.device

    def with_text(self, inputs: Inputs, said: Sequence[str | None]) -> Inputs:
        """The same with a text a row, None is none; unchanged where the stage reads no text."""
        if not self.stage.tokens:
            return inputs
        embedded = [None if text is None else self.texts[text, self.stage.tokens].states for text in said]
        padded, mask = pad_text(embedded, self.stage.tokens, self.stage.unet.text_width)
        return replace(inputs, text=padded.to(self.device), text_mask=mask.to(self.device))


def _noise(plans: Sequence[Plan], stage: Stage, positions: int, device: torch.device) -> Draw:
    numbers, shape = [plan.request.number for plan in plans], (stage.channels, positions)
    return lambda purpose: normals(0, numbers, f"{stage.name} {purpose}", shape, device)


def _inputs(cascade: Cascade, stage: Stage, plans: Sequence[Plan], frames: int, before: Stage | None, signal: Tensor) -> Inputs:
    """What the stage before made, or the given audio, as it enters; without text."""
    source = stage.source
    if source is None:
        return Inputs()
    if before is None:
        sounds = [plan.request.init for plan in plans]
        given = [source_signal(sound, source.signal, frames) for sound in sounds if sound is not None]
        started = torch.cat(given).to(cascade.device)
    else:
        started = in_full_scale(before, signal)[..., : before.positions(frames * FRAME_SAMPLES)]
    return clean_inputs(stage, source, entering(stage, source, started))


def _known(cascade: Cascade, stage: Stage, plans: Sequence[Plan], frames: int) -> Known | None:
    """What is kept of each clip, None where nothing is."""
    found = [known for plan in plans if (known := known_part(plan, stage, frames, cascade.settings.fade_seconds)) is not None]
    if not found:
        return None
    signals, weights = torch.cat([known.signal for known in found]), torch.cat([known.weight for known in found])
    return Known(signals.to(cascade.device), weights.to(cascade.device))


def _failures(signal: Tensor, stage: Stage) -> dict[int, RowError]:
    bad = (~torch.isfinite(signal).flatten(1).all(1)).nonzero().flatten().tolist()
    found = {}
    for row in bad:
        try:
            check_finite(signal[row].float().cpu().numpy(), stage.name)
        except RowError as error:
            found[row] = error
    return found
