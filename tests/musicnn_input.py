"""The input on which the original graphs were run, and where their outputs lie."""

from pathlib import Path

import numpy as np
import numpy.typing as npt

from noise2music.core.ids import hash_uniform

REFERENCE = Path(__file__).parent / "data" / "musicnn_reference.npz"


def reference_input() -> npt.NDArray[np.float32]:
    """(4, 187, 96) log-mel-like windows from hashes alone: noise, silence, a struck chord that decays, and a loud pulse."""
    frame, band = np.arange(187, dtype=np.float64)[:, None], np.arange(96, dtype=np.float64)[None, :]
    noise = hash_uniform(7, np.arange(187 * 96, dtype=np.uint64)).reshape(187, 96)
    partials = np.exp(-0.5 * ((band % 12 - 4) / 0.8) ** 2) * np.exp(-band / 40)
    chord = 3.5 * partials * np.exp(-frame / 60) + 0.3 * noise
    pulse = np.where(frame % 31 < 3, 4.5, 0.5) * (0.6 + 0.4 * noise)
    return np.stack([4 * noise, np.zeros((187, 96)), chord, pulse]).astype(np.float32)
