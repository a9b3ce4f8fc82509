"""Loudness as ITU-R BS.1770-5 measures it: K-weighting, mean squares of 400 ms, two gates. In LUFS, of mono audio.

The standard gives the two filters as numbers for 48 kHz. Here they are made from the frequencies, gains and widths behind these numbers, so
that any rate has them; at 48 kHz they are the standard's to 1e-8.
"""

import math

import numpy as np
from scipy.signal import lfilter

from noise2music.core.arrays import Float32s, Float64s

BLOCK_SECONDS, STEP_SECONDS = 0.4, 0.1
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
OFFSET = -0.691
"""Makes 0 LUFS of a 997 Hz sine at full scale in both channels."""

_SHELF = (1681.974450955533, 0.7071752369554196, 3.999843853973347, 0.4996667741545416)
"""Hz, width, gain in dB, exponent of the gain at the turning point: the head in front of the microphone."""
_HIGH_PASS = (38.13547087602444, 0.5003270373238773)


def k_weighting(rate: int) -> tuple[tuple[Float64s, Float64s], tuple[Float64s, Float64s]]:
    """The two filters at `rate` Hz, in the order in which they are applied: (numerator, denominator) of three coefficients each."""
    hertz, width, decibels, exponent = _SHELF
    k = math.tan(math.pi * hertz / rate)
    high = 10 ** (decibels / 20)
    middle = high**exponent
    a0 = 1 + k / width + k * k
    shelf = (
        np.array([high + middle * k / width + k * k, 2 * (k * k - high), high - middle * k / width + k * k]) / a0,
        np.array([1.0, 2 * (k * k - 1) / a0, (1 - k / width + k * k) / a0]),
    )
    hertz, width = _HIGH_PASS
    k = math.tan(math.pi * hertz / rate)
    a0 = 1 + k / width + k * k
    return shelf, (np.array([1.0, -2.0, 1.0]), np.array([1.0, 2 * (k * k - 1) / a0, (1 - k / width + k * k) / a0]))


def integrated_loudness(audio: Float32s, rate: int) -> float:
    """(samples,) mono, full scale 1, at `rate` Hz -> integrated loudness in LUFS as one channel; -inf for what is silent to the gate.

    Audio shorter than a block of 400 ms is one block of its own length.
    """
    weighted = np.asarray(audio, np.float64)
    for numerator, denominator in k_weighting(rate):
        weighted = lfilter(numerator, denominator, weighted)
    powers = _block_powers(weighted, rate)
    loud = powers[_levels(powers) > ABSOLUTE_GATE]
    if not len(loud):
        return -math.inf
    gate = float(_levels(loud.mean(keepdims=True))[0]) + RELATIVE_GATE
    return float(_levels(loud[_levels(loud) > gate].mean(keepdims=True))[0])


def gain_to(loudness: float, target: float) -> float:
    """The factor that brings audio from one loudness to another, both in LUFS."""
    return float(10 ** ((target - loudness) / 20))


def _block_powers(weighted: Float64s, rate: int) -> Float64s:
    if not len(weighted):
        return np.zeros(0)
    block, step = min(round(BLOCK_SECONDS * rate), len(weighted)), round(STEP_SECONDS * rate)
    sums = np.concatenate([[0.0], np.cumsum(weighted * weighted)])
    starts = np.arange(0, len(weighted) - block + 1, step)
    return np.asarray((sums[starts + block] - sums[starts]) / block)


def _levels(powers: Float64s) -> Float64s:
    return OFFSET + 10 * np.log10(np.maximum(powers, 1e-30))
