"""Oscillators whose samples are the same on every machine.

Phases are 32-bit integers that wrap once a cycle, and waves are looked up in tables. numpy's sin, exp and power differ in the last
bit between processors, so tables come from Python's `math`, rounded to a grid far coarser than any such difference; what is done to
whole arrays is integer arithmetic, IEEE elementwise + - * / and sequential accumulation only.
"""

import math
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
import numpy.typing as npt

from noise2music.core.ids import hash_uniform

Float32s = npt.NDArray[np.float32]
Float64s = npt.NDArray[np.float64]
Uint32s = npt.NDArray[np.uint32]

TABLE_BITS = 13
TABLE_SIZE = 1 << TABLE_BITS
CYCLE = 2.0**32
_SHIFT = np.uint32(32 - TABLE_BITS)


def exact(value: float, bits: int = 24) -> float:
    """The nearest multiple of 2**-bits: removes what the last bits of a C library's functions may differ by."""
    return math.floor(math.ldexp(value, bits) + 0.5) / (1 << bits)


def pitch_hertz(pitch: float, cents: float = 0.0) -> float:
    """MIDI pitch (69 is A4, 440 Hz) -> frequency in Hz."""
    return exact(440.0 * math.pow(2.0, (pitch - 69.0 + cents / 100.0) / 12.0))


def halving(seconds: float, steps_per_second: float) -> float:
    """The factor a step by which a value halves every `seconds`."""
    return exact(math.pow(2.0, -1.0 / (seconds * steps_per_second)), 40)


@cache
def sine_table() -> Float32s:
    """(TABLE_SIZE,) one cycle of a sine."""
    turns = [exact(math.sin(2.0 * math.pi * step / TABLE_SIZE), 22) for step in range(TABLE_SIZE)]
    return np.array(turns, np.float32)


def harmonic_table(partials: Sequence[tuple[int, float]], salt: int = 0) -> Float32s:
    """Partials (harmonic number, amplitude) -> (TABLE_SIZE,) one cycle. Phases depend on (harmonic, salt), or all would peak at once."""
    sine = sine_table()
    steps = np.arange(TABLE_SIZE, dtype=np.int64)
    total = np.zeros(TABLE_SIZE, np.float32)
    for harmonic, amplitude in partials:
        offset = (harmonic * harmonic * 2654435 + salt * 7919) % TABLE_SIZE
        total += sine[(steps * harmonic + offset) % TABLE_SIZE] * np.float32(exact(amplitude))
    return total


@lru_cache(maxsize=2)
def _counting(length: int) -> Uint32s:
    return np.arange(length, dtype=np.uint32)


def ramp(samples: int) -> Uint32s:
    """0, 1, 2, ... (samples,) as phases count."""
    return _counting(1 << max(16, (samples - 1).bit_length()))[:samples]


def phases(hertz: float, samples: int, sample_rate: int, start: int = 0) -> Uint32s:
    """(samples,) phases of a steady tone from phase `start`; 2**32 is a cycle, wrapping is exact."""
    step = math.floor(hertz / sample_rate * CYCLE + 0.5) % (1 << 32)
    return ramp(samples) * np.uint32(step) + np.uint32(start % (1 << 32))


def bent(phase: Uint32s, cycles: Float64s) -> Uint32s:
    """Phases shifted by `cycles` (samples,): phase modulation and vibrato."""
    return phase + (cycles * CYCLE).astype(np.int64).astype(np.uint32)


def read(table: Float32s, phase: Uint32s) -> Float32s:
    """The table's wave at these phases (nearest entry)."""
    return table.take(phase >> _SHIFT, mode="wrap")


@lru_cache(maxsize=32)
def noise(samples: int, salt: int) -> Float32s:
    """(samples,) white noise in -1..1, the same for every piece."""
    return (2.0 * hash_uniform(salt, np.arange(samples, dtype=np.uint64)) - 1.0).astype(np.float32)
