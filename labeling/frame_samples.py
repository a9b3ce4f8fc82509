"""Decoded frames of FFmpeg as arrays."""

from typing import Any

import numpy as np

from labeling.cosine import Float32s
from labeling.downmix import keep


def frame_samples(frame: Any) -> Float32s:
    """One decoded frame, planar or packed, integers or floats -> (channels, n), full scale 1 (see labeling.downmix.keep)."""
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "u":
        samples = (samples.astype(np.float64) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples.astype(np.float64) / 2.0 ** (8 * samples.dtype.itemsize - 1)
    return keep(samples)
