"""Resampling by soxr at quality HQ."""

import numpy as np
import soxr

from noise2music.core.arrays import Float32s


def resample(audio: Float32s, from_rate: int, to_rate: int) -> Float32s:
    """(n,) at `from_rate` Hz -> (round(n * to_rate / from_rate),) float32 at `to_rate` Hz; the same samples when the rates are equal."""
    audio = np.ascontiguousarray(audio, np.float32)
    if from_rate == to_rate:
        return audio
    length = (2 * len(audio) * to_rate + from_rate) // (2 * from_rate)
    output = soxr.resample(audio, from_rate, to_rate, quality="HQ")
    result = np.zeros(length, np.float32)
    size = min(length, len(output))
    result[:size] = output[:size]
    return result
