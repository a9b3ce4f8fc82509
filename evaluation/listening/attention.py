"""Sounds of attention checks, whose right answer no system can change: plucked notes, and noise."""

import tomllib

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.data_files import read_text
from noise2music.core.ids import hash_uniform

_STEPS = (0, 4, 7, 12, 16, 12, 7, 4)
"""Semitones above the lowest note: a broken chord, up and down."""
_LOWEST = 220.0
_NOTE_SECONDS = 0.25
_PEAK = 0.25


def attention_text(name: str) -> str:
    """What the text of an absurd item says: "pair" or "label"."""
    text: str = tomllib.loads(read_text(__package__, "attention.toml"))[name]
    return text


def melody(seconds: float, rate: int) -> Float32s:
    """(samples,) of plucked notes: a chord broken up and down, each note with five partials that fade."""
    time = np.arange(round(seconds * rate)) / rate
    turn = np.floor(time / _NOTE_SECONDS).astype(np.int64)
    hertz = _LOWEST * 2.0 ** (np.asarray(_STEPS)[turn % len(_STEPS)] / 12)
    since = time - turn * _NOTE_SECONDS
    partials = sum(np.sin(2 * np.pi * k * hertz * since) * np.exp(-(4 + 3 * k) * since) / k for k in range(1, 6))
    attack = np.minimum(1.0, since / 0.005) * np.minimum(1.0, (_NOTE_SECONDS - since) / 0.005)
    return _scaled(np.asarray(partials) * attack)


def noise(seconds: float, rate: int, seed: int) -> Float32s:
    """(samples,) of white noise."""
    return _scaled(hash_uniform(seed, np.arange(round(seconds * rate), dtype=np.uint64)) - 0.5)


def _scaled(audio: np.ndarray) -> Float32s:
    return (_PEAK * audio / max(float(np.abs(audio).max(initial=0.0)), 1e-9)).astype(np.float32)
