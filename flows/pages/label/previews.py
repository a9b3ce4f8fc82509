"""What is heard and seen of a clip on the page: a small MP3 and a small spectrogram."""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import soundfile

from noise2music.core.audio.resample import resample
from noise2music.core.audio.spectrogram import spectrogram_png

Float32s = npt.NDArray[np.float32]

PREVIEW_RATE = 24_000
PREVIEW_SECONDS = 30

_KBPS = 32
_SLOWEST, _FASTEST = 8, 160


@dataclass(frozen=True)
class Preview:
    """audio: MP3, mono, PREVIEW_RATE. spectrogram: PNG."""

    audio: bytes
    spectrogram: bytes


def preview_flac(data: bytes) -> Preview:
    """FLAC (a shard's `audio.bytes`) -> preview of its first PREVIEW_SECONDS."""
    with soundfile.SoundFile(io.BytesIO(data)) as file:
        rate = file.samplerate
        audio = file.read(PREVIEW_SECONDS * rate, dtype="float32", always_2d=True).mean(axis=1)
    return Preview(preview_audio(audio, rate), spectrogram_png(audio, rate))


def preview_audio(audio: Float32s, rate: int) -> bytes:
    """(samples,) mono at `rate` Hz -> MP3 at PREVIEW_RATE and 32 kbit/s; NaN is silence and what is beyond full scale is clipped.

    libsndfile takes the bit rate as a place between the fastest and the slowest that MPEG-2 layer III has.
    """
    clean = np.clip(np.nan_to_num(audio), -1, 1).astype(np.float32)
    sound = np.clip(resample(clean, rate, PREVIEW_RATE), -1, 1)
    level = (_FASTEST - _KBPS) / (_FASTEST - _SLOWEST)
    sink = io.BytesIO()
    soundfile.write(sink, sound, PREVIEW_RATE, format="MP3", subtype="MPEG_LAYER_III", bitrate_mode="CONSTANT", compression_level=level)
    return sink.getvalue()
