"""Audio as the bytes of a file."""

import io
from typing import Literal

import numpy as np
import soundfile

from noise2music.core.arrays import Float32s

AudioFormat = Literal["flac", "wav"]


def audio_bytes(audio: Float32s, rate: int, kind: AudioFormat = "flac") -> bytes:
    """(samples,) mono -> bytes of a 16-bit FLAC or WAV. Samples beyond full scale are clipped (see core.audio.full_scale)."""
    sink = io.BytesIO()
    quantised = np.clip(np.rint(audio.astype(np.float64) * 32768), -32768, 32767).astype(np.int16)
    soundfile.write(sink, quantised, rate, format=kind.upper(), subtype="PCM_16")
    return sink.getvalue()
