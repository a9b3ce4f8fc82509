"""What is wrong with a clip: said where a listener should know it, and a dead letter where it spoils the clip."""

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
CLIPPED_SAID, CLIPPED_SPOILT = 0.001, 0.05
"""Shares of samples at full scale or beyond it. Dynamic clipping at its percentile of .995 leaves .005 at most."""
LOUDEST_GAIN = 0.0625
"""What has to be turned down by more than 24 dB is no loud clip but a network that went astray."""
OFFSET_SAID = 0.02
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def level_dbfs(audio: Float32s) -> float:
    """Root mean square in dB below full scale, not lower than -120."""
    power = float(np.mean(np.square(audio, dtype=np.float64))) if len(audio) else 0.0
    return max(FLOOR_DBFS, 10 * float(np.log10(max(power, 1e-12))))


def check_finite(values: Float32s, stage: str) -> None:
    """Raises RowError where a stage made something that is no number."""
    if not np.isfinite(values).all():
        share = 1 - float(np.isfinite(values).mean())
        raise RowError("not_finite", f"{share:.1%} of what the {stage} made is NaN or infinite")


def check_audio(made: Float32s, gain: float = 1.0) -> tuple[str, ...]:
    """What to say of audio that was made, kept parts left out, before it is turned down by `gain` or cut off at full scale.

    Raises RowError where it is spoilt.
    """
    if not len(made):
        return ()
    level = level_dbfs(made)
    if level < SILENT_DBFS:
        raise RowError("silent", f"the clip is silent: {level:.0f} dBFS")
    warnings = []
    clipped = float((np.abs(made) >= FULL_SCALE).mean())
    if gain < LOUDEST_GAIN or (gain == 1 and clipped > CLIPPED_SPOILT):
        raise RowError("clipped", f"{clipped:.1%} of the clip is at full scale or beyond")
    if gain < 1:
        warnings.append(f"turned down by {-20 * math.log10(gain):.1f} dB")
    elif clipped > CLIPPED_SAID:
        warnings.append(f"clipped {100 * clipped:.1f} %")
    offset = float(np.mean(made, dtype=np.float64))
    if abs(offset) > OFFSET_SAID:
        warnings.append(f"DC offset of {100 * offset:.1f} % of full scale")
    return tuple(warnings)


def held_gain(made: Float32s) -> float:
    """In (0, 1]: what holds a clip within full scale but for a few stray samples."""
    loud = float(np.quantile(np.abs(made), 1 - CLIPPED_SAID / 2)) if len(made) else 0.0
    return 1.0 / max(1.0, loud)


class Warned(Protocol):
    """A clip, or the record of one."""

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a listener should know, in words."""


def count_warnings(clips: Iterable[Warned | RowError]) -> Counter[str]:
    """How often each warning and each reason of a failure came, whatever the numbers in it: "prompt cut by … tokens"."""
    counts: Counter[str] = Counter()
    for clip in clips:
        kinds = [clip.reason] if isinstance(clip, RowError) else [_NUMBER.sub("…", warning) for warning in clip.warnings]
        counts.update(set(kinds))
    return counts
