"""Decoded frames of FFmpeg as arrays."""

from typing import Any

import av
import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.downmix import keep

_MOST_PLANES = 8


def frame_samples(frame: Any) -> Float32s:
    """One decoded frame, planar or packed, integers or floats -> (channels, n), full scale 1 (see core.audio.downmix.keep).

    Raises ValueError or av.error.FFmpegError for a frame that cannot be taken.
    """
    if frame.format.is_planar and frame.layout.nb_channels > _MOST_PLANES:
        frame = _packed(frame)
    samples = frame.to_ndarray()
    if not frame.format.is_planar:
        samples = samples.reshape(-1, frame.layout.nb_channels).T
    if samples.dtype.kind == "u":
        samples = (samples.astype(np.float64) - 128) / 128
    elif samples.dtype.kind == "i":
        samples = samples.astype(np.float64) / 2.0 ** (8 * samples.dtype.itemsize - 1)
    return keep(samples)


def _packed(frame: Any) -> Any:
    """The same frame with its channels side by side: PyAV counts the planes of one with more than eight beyond their end."""
    packed = av.AudioResampler(format=frame.format.packed, layout=frame.layout, rate=frame.sample_rate).resample(frame)
    if len(packed) != 1:
        raise ValueError("a frame of many channels cannot be taken apart")
    return packed[0]
