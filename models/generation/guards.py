"""Faults of a clip. A listener is warned of small ones; those that spoil the clip make it a dead letter."""

import math
import re
from collections import Counter
from collections.abc import Iterable
from typing import Protocol

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.errors import RowError

SILENT_DBFS = -60.0
FLOOR_DBFS = -120.0
FULL_SCALE = 0.9999
CLIPPED_WARNING, CLIPPED_FAILURE = 0.001, 0.05
"""Shares of samples at full scale or beyond it, from which on there is a warning or a failure. Dynamic clipping leaves .005 at most."""
LOUDEST_GAIN = 0.0625
"""24 dB. Audio that needs a smaller gain is no loud clip but a network that went astray."""
OFFSET_WARNING = 0.02
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def level_dbfs(audio: Float32s) -> float:
    """Root mean square in dB below full scale, not lower than -120."""
    power = float(np.mean(np.square(audio, dtype=np.float64))) if len(audio) else 0.0
    return max(FLOOR_DBFS, 10 * float(np.log10(max(power, 1e-12))))


def check_finite(values: Float32s, stage: str) -> None:
    """Raises RowError where the output of a stage has NaN or infinity."""
    if not np.isfinite(values).all():
        share = 1 - float(np.isfinite(values).mean())
        raise RowError("not_finite", f"{share:.1%} of what the {stage} made is NaN or infinite")


def check_audio(audio: Float32s, gain: float = 1.0) -> tuple[str, ...]:
    """Warnings of audio before it is turned down by `gain` or cut off at full scale; parts that were kept are not in it.

    Raises RowError where it is spoilt.
    """
    if not len(audio):
        return ()
    level = level_dbfs(audio)
    if level < SILENT_DBFS:
        raise RowError("silent", f"the clip is silent: {level:.0f} dBFS")
    warnings = []
    clipped = float((np.abs(audio) >= FULL_SCALE).mean())
    if gain < LOUDEST_GAIN or (gain == 1 and clipped > CLIPPED_FAILURE):
        raise RowError("clipped", f"{clipped:.1%} of the clip is at full scale or beyond")
    if gain < 1:
        warnings.append(f"turned down by {-20 * math.log10(gain):.1f} dB")
    elif clipped > CLIPPED_WARNING:
        warnings.append(f"clipped {100 * clipped:.1f} %")
    offset = float(np.mean(audio, dtype=np.float64))
    if abs(offset) > OFFSET_WARNING:
        warnings.append(f"DC offset of {100 * offset:.1f} % of full scale")
    return tuple(warnings)


def headroom_gain(audio: Float32s) -> float:
    """In (0, 1]: the gain that brings a clip within full scale but for a few stray samples."""
    loud = float(np.quantile(np.abs(audio), 1 - CLIPPED_WARNING / 2)) if len(audio) else 0.0
    return 1.0 / max(1.0, loud)


class HasWarnings(Protocol):
    """A clip, or the record of one."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """Faults that a listener should know of, in words."""


def count_warnings(clips: Iterable[HasWarnings | RowError]) -> Counter[str]:
    """Counts of each warning and each reason of a failure, with the numbers in them left out: "prompt cut by … tokens"."""
    counts: Counter[str] = Counter()
    for clip in clips:
        kinds = [clip.reason] if isinstance(clip, RowError) else [_NUMBER.sub("…", warning) for warning in clip.warnings]
        counts.update(set(kinds))
    return counts
