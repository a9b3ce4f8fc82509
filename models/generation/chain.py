"""Clips of one length through the stages of a cascade, from text or an audio prompt to the output of the last stage."""

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
from noise2music.models.generation.audio_prompt import inpainting_of, source_signal
from noise2music.models.generation.cascade import Cascade
from noise2music.models.generation.guards import check_finite
from noise2music.models.generation.lengths import pieces, stage_frames
from noise2music.models.generation.plan import Plan
from noise2music.models.generation.texts import Embedded
from noise2music.models.network.unet import UNet
from noise2music.models.signal.inpainting import Inpainting
from noise2music.models.text.conditioning import pad_text

Texts = Mapping[tuple[str, int], Embedded]
"""Text and length of sequence -> embedding."""


@dataclass(frozen=True)
class StageOutput:
    """The last stage's signal (C, T) in network units, on the CPU, and the estimates that it took."""

    x0: Tensor
    calls: int


@torch.inference_mode()
def run_chain(cascade: Cascade, plans: Sequence[Plan], texts: Texts) -> list[StageOutput | RowError]:
    """Every stage in turn, for clips of one length. All of them keep a part of their audio prompt, or none does.

    A clip that has NaN or infinity behind a stage fails alone, and the others go on.
    """
    failed: dict[int, RowError] = {}
    calls, signal = 0, torch.empty(0)
    before: Stage | None = None
    for stage, frames in zip(cascade.stages, stage_frames(cascade.stages, plans[0].frames), strict=True):
        inputs, condition = _inputs(cascade, stage, plans, frames, before, signal), _TextCondition(texts, stage, cascade.device)
        negatives = [plan.request.negative or None for plan in plans]
        # Where no clip has a negative prompt the other estimate is made without any text.
        negative = condition.with_text(inputs, negatives) if stage.tokens and any(negatives) else None
        inputs = condition.with_text(inputs, [plan.request.prompt for plan in plans])
        inpainting = _inpainting(cascade, stage, plans, frames)
        with cascade.networks.use(stage.name) as network:
            positions = stage.positions(frames * FRAME_SAMPLES)
            counting = _CountingNetwork(network, cascade.half, cascade.device)
            network_in_windows = windowed(counting, pieces(stage, positions, cascade.settings), stage.unet.stride)
            noise = _noise(plans, stage, positions, cascade.device)
            rounds = cascade.settings.rounds if stage.source is None else 1
            signal = sample(stage, network_in_windows, inputs, noise, negative=negative, inpainting=inpainting, rounds=rounds)
        calls += counting.rows // len(plans)
        failed |= _failures(signal, stage)
        if len(failed) == len(plans):
            break
        signal, before = torch.nan_to_num(signal), stage
    rows = signal.cpu()
    return [failed[row] if row in failed else StageOutput(rows[row], calls) for row in range(len(plans))]


class _CountingNetwork:
    """A network in the precision of the cascade that counts its rows. Its output is fp32."""

    def __init__(self, network: UNet, half: bool, device: torch.device) -> None:
        self.rows = 0
        self._network, self._half, self._kind = network, half, device.type

    def __call__(self, x: Tensor, log_snr: Tensor, inputs: Inputs) -> Tensor:
        self.rows += len(x)
        with torch.autocast(self._kind, torch.bfloat16, enabled=self._half):
            output: Tensor = self._network(x, log_snr, inputs)
        return output.float()


@dataclass(frozen=True)
class _TextCondition:
    """The text that conditions a stage."""

    texts: Texts
    stage: Stage
    device: torch.device

    def with_text(self, inputs: Inputs, rows: Sequence[str | None]) -> Inputs:
        """The same with a text a row, None is none; unchanged where the stage reads no text."""
        if not self.stage.tokens:
            return inputs
        embedded = [None if text is None else self.texts[text, self.stage.tokens].states for text in rows]
        padded, mask = pad_text(embedded, self.stage.tokens, self.stage.unet.text_width)
        return replace(inputs, text=padded.to(self.device), text_mask=mask.to(self.device))


def _noise(plans: Sequence[Plan], stage: Stage, positions: int, device: torch.device) -> Draw:
    numbers, shape = [plan.request.number for plan in plans], (stage.channels, positions)
    return lambda purpose: normals(0, numbers, f"{stage.name} {purpose}", shape, device)


def _inputs(cascade: Cascade, stage: Stage, plans: Sequence[Plan], frames: int, before: Stage | None, signal: Tensor) -> Inputs:
    """The output of the stage before, or the audio prompt, as it enters; without text."""
    source = stage.source
    if source is None:
        return Inputs()
    if before is None:
        audio_prompts = [plan.request.init for plan in plans]
        signals = [source_signal(audio_prompt, source.signal, frames) for audio_prompt in audio_prompts if audio_prompt is not None]
        signal = torch.cat(signals).to(cascade.device)
    else:
        signal = in_full_scale(before, signal)[..., : before.positions(frames * FRAME_SAMPLES)]
    return clean_inputs(stage, source, entering(stage, source, signal))


def _inpainting(cascade: Cascade, stage: Stage, plans: Sequence[Plan], frames: int) -> Inpainting | None:
    """The known part of each clip, None where there is none."""
    rows = [row for plan in plans if (row := inpainting_of(plan, stage, frames, cascade.settings.fade_seconds)) is not None]
    if not rows:
        return None
    signals, masks = torch.cat([row.signal for row in rows]), torch.cat([row.mask for row in rows])
    return Inpainting(signals.to(cascade.device), masks.to(cascade.device))


def _failures(signal: Tensor, stage: Stage) -> dict[int, RowError]:
    bad = (~torch.isfinite(signal).flatten(1).all(1)).nonzero().flatten().tolist()
    failures = {}
    for row in bad:
        try:
            check_finite(signal[row].float().cpu().numpy(), stage.name)
        except RowError as error:
            failures[row] = error
    return failures
