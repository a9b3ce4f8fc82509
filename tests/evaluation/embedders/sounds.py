"""Rendered music, what degrades it, and a distance of our own to see that networks hear it."""

from collections.abc import Sequence
from functools import cache

import numpy as np
from scipy.signal import butter, sosfiltfilt

from noise2music.core.arrays import Float32s
from noise2music.core.audio.resample import resample
from noise2music.synth.render import render_piece

RATE = 16000
SECONDS = 6


@cache
def music(pieces: int = 8, seconds: int = SECONDS) -> tuple[Float32s, ...]:
    """Mono clips at 16 kHz."""
    rendered = [render_piece(3, index, float(seconds)) for index in range(pieces)]
    return tuple(resample(piece.audio, piece.sample_rate, RATE) for piece in rendered)


def with_noise(clip: Float32s, decibels: float, seed: int) -> Float32s:
    """White noise that much below the music."""
    noise = np.random.default_rng(seed).standard_normal(len(clip))
    level = np.sqrt(np.mean(np.square(clip, dtype=np.float64))) * 10 ** (-decibels / 20)
    return (clip + level * noise).astype(np.float32)


def low_passed(clip: Float32s, hertz: float) -> Float32s:
    """A Butterworth filter of order 8, there and back."""
    return sosfiltfilt(butter(8, hertz, fs=RATE, output="sos"), clip).astype(np.float32)


def frechet(left: Sequence[Float32s], right: Sequence[Float32s]) -> float:
    """Of the Gaussians of two sets of rows; the trace of the root is the nuclear norm of the product of the centred rows."""
    x, y = (np.concatenate(rows).astype(np.float64) for rows in (left, right))
    means = x.mean(0) - y.mean(0)
    x, y = ((rows - rows.mean(0)) / np.sqrt(len(rows) - 1) for rows in (x, y))
    root = np.linalg.svd(x @ y.T, compute_uv=False).sum()
    return float(means @ means + np.square(x).sum() + np.square(y).sum() - 2 * root)
