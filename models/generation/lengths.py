"""How long a signal each stage works on, and in which pieces.

A stage with self-attention or GroupNorm has only seen signals of its training length. A shorter clip is cut out of one of that length, and
a longer one is made in windows of it. A stage of convolutions alone (UNetShape.local) works on any length; it goes through a long one in
chunks that overlap by what it reaches, which changes nothing but rounding.
"""

import math
from collections.abc import Sequence

from noise2music.models.cascade.stage import CORPUS_RATE, FRAME_SAMPLES, Stage
from noise2music.models.cascade.windows import Window, reach, windows
from noise2music.models.generation.settings import GenerationSettings

FRAMES_A_SECOND = CORPUS_RATE // FRAME_SAMPLES


def frames_of(seconds: float) -> int:
    """Hundredths of a second that cover so many seconds."""
    return max(1, math.ceil(seconds * FRAMES_A_SECOND - 1e-6))


def stage_frames(stages: Sequence[Stage], frames: int) -> list[int]:
    """Frames that each stage works on: those of the clip, but no fewer than it, or a stage behind it, needs."""
    longest = []
    for stage in reversed(stages):
        frames = max(frames, 0 if stage.unet.local else trained_frames(stage))
        longest.append(frames)
    return longest[::-1]


def trained_frames(stage: Stage) -> int:
    """Frames of a training crop."""
    return stage.crop_samples // FRAME_SAMPLES


def pieces(stage: Stage, positions: int, settings: GenerationSettings) -> tuple[Window, ...]:
    """The windows in which a stage's network sees so many positions."""
    stride = stage.unet.stride
    if stage.unet.local:
        halo = reach(stage.unet)
        chunk = stage.positions(round(settings.chunk_seconds * FRAMES_A_SECOND) * FRAME_SAMPLES)
        return windows(positions, length=max(chunk, 4 * (halo + stride)), overlap=2 * halo + stride, halo=halo, stride=stride)
    length = stage.positions(stage.crop_samples)
    overlap = min(max(1, round(settings.overlap * length)), length - stride)
    return windows(positions, length=length, overlap=overlap, halo=0, stride=stride)
