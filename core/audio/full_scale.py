"""Audio that goes beyond full scale: one rule for all that is written as whole numbers.

What was recorded or decoded beyond full scale is turned down until its peak is full scale, and that is said. What only resampling pushes
over it, a fraction of a decibel here and there, is cut off where it is written: the music was within full scale.
"""

import math
from typing import Literal

import numpy as np

from noise2music.core.arrays import Float32s

Beyond = Literal["scale", "clip"]

_STRAY_SHARE = 0.0005
_GLITCH = 16.0
"""24 dB: samples that stick out of all others by more are a glitch, for which the music is not turned down to nothing."""


def peak_of(audio: Float32s) -> float:
    """The largest absolute value of (samples,); 0 for none."""
    return float(max(audio.max(), -audio.min())) if len(audio) else 0.0


def full_scale_gain(audio: Float32s, peak: float) -> float:
    """In (0, 1]: what brings (samples,) within full scale. peak: of the source before it was resampled; up to 1 nothing is turned down.

    The loudest sample comes to full scale. Where a few samples stick out of all others by more than 24 dB, those are left to be cut off.
    """
    if peak <= 1.0:
        return 1.0
    loudest = max(1.0, peak_of(audio))
    held = max(1.0, float(np.quantile(np.abs(audio), 1 - _STRAY_SHARE))) if len(audio) else 1.0
    return 1.0 / (loudest if loudest <= held * _GLITCH else held)


def say_beyond(peak: float, gain: float) -> str:
    """In words what was found and done: "its peak is 12.0 dB beyond full scale; it was turned down by 12.0 dB"."""
    said = f"its peak is {_decibels(peak):.1f} dB beyond full scale"
    return f"{said}; it was turned down by {-_decibels(gain):.1f} dB" if gain < 1 else f"{said}; what is beyond was cut off"


def _decibels(ratio: float) -> float:
    return 20 * math.log10(ratio)
