"""Audio as the bytes of a file, in integers, with one rule for audio beyond full scale.

Audio that was recorded or decoded beyond full scale is turned down until its peak is full scale, with a warning. Peaks that only resampling
adds, a fraction of a decibel, are clipped when written: the music itself was within full scale.
"""

import io
import math
from typing import Literal

import numpy as np
import soundfile

from noise2music.core.arrays import Float32s

AudioFormat = Literal["flac", "wav"]
Beyond = Literal["scale", "clip"]

_STRAY_FRACTION = 0.0005
_GLITCH = 16.0
"""24 dB: samples that stick out further are a glitch. The music is not turned down for them."""


def peak_of(audio: Float32s) -> float:
    """The largest absolute value of (samples,); 0 for none."""
    return float(max(audio.max(), -audio.min())) if len(audio) else 0.0


def full_scale_gain(audio: Float32s, peak: float) -> float:
    """The gain in (0, 1] that brings (samples,) within full scale. peak: of the source before resampling; up to 1 the gain is 1.

    The loudest sample comes to full scale. A few samples that stick out by more than 24 dB do not count, and are clipped later.
    """
    if peak <= 1.0:
        return 1.0
    loudest = max(1.0, peak_of(audio))
    typical_peak = max(1.0, float(np.quantile(np.abs(audio), 1 - _STRAY_FRACTION))) if len(audio) else 1.0
    return 1.0 / (loudest if loudest <= typical_peak * _GLITCH else typical_peak)


def say_beyond(peak: float, gain: float) -> str:
    """The warning: "its peak is 12.0 dB beyond full scale; it was turned down by 12.0 dB"."""
    text = f"its peak is {_decibels(peak):.1f} dB beyond full scale"
    return f"{text}; it was turned down by {-_decibels(gain):.1f} dB" if gain < 1 else f"{text}; what is beyond was cut off"


def _decibels(ratio: float) -> float:
    return 20 * math.log10(ratio)


def audio_bytes(audio: Float32s, rate: int, kind: AudioFormat = "flac") -> bytes:
    """(samples,) mono -> bytes of a 16-bit FLAC or WAV. Samples beyond full scale are clipped."""
    sink = io.BytesIO()
    quantised = np.clip(np.rint(audio.astype(np.float64) * 32768), -32768, 32767).astype(np.int16)
    soundfile.write(sink, quantised, rate, format=kind.upper(), subtype="PCM_16")
    return sink.getvalue()
