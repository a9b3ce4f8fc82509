"""Audio files made on the spot, and the shared recordings where they are."""

import io
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import soundfile

Float32s = npt.NDArray[np.float32]

MUSIC = Path(__file__).resolve().parents[3].parent / "shared" / "data" / "music"
needs_music = pytest.mark.skipif(not MUSIC.is_dir(), reason=f"the shared recordings are not at {MUSIC}")

AV_KINDS = {"m4a": ("ipod", "aac", 44100), "aac": ("adts", "aac", 44100), "webm": ("webm", "libopus", 48000)}
OTHER_AV_KINDS = {
    "wma": ("asf", "wmav2", 44100),
    "ts": ("mpegts", "aac", 44100),
    "flv": ("flv", "aac", 44100),
    "avi": ("avi", "pcm_s16le", 44100),
    "wv": ("wv", "wavpack", 44100),
    "latm": ("latm", "aac", 44100),
    "mka": ("matroska", "flac", 44100),
    "alac": ("ipod", "alac", 44100),
    "3gp": ("3gp", "aac", 44100),
    "tta": ("tta", "tta", 44100),
}
"""What FFmpeg can write and libsndfile cannot read."""


def tones(seconds: float, rate: int = 44100, channels: int = 2) -> Float32s:
    """(n, channels): a rising tone of its own level in each channel, slowly swelling, so that no two places are alike."""
    time = np.arange(round(seconds * rate)) / rate
    swell = 0.3 + 0.2 * np.sin(2 * np.pi * 0.23 * time)
    columns = [swell * np.sin(2 * np.pi * (220 + 110 * number + 3 * time) * time) / (1 + number) for number in range(channels)]
    return np.stack(columns, axis=1).astype(np.float32)


def encode(audio: npt.NDArray[Any], rate: int = 44100, kind: str = "WAV", subtype: str | None = None) -> bytes:
    """(n,) or (n, channels) -> a file of one of libsndfile's kinds. Written in pieces: its Vorbis encoder takes a long one on the stack."""
    sink = io.BytesIO()
    channels = 1 if audio.ndim == 1 else audio.shape[1]
    with soundfile.SoundFile(sink, "w", rate, channels, subtype, format=kind) as file:
        for start in range(0, len(audio), rate):
            file.write(audio[start : start + rate])
    return sink.getvalue()


def encode_av(audio: Float32s, kind: str, offset: float = 0.0, metadata: dict[str, str] | None = None) -> bytes:
    """(n, 2) at the kind's rate -> a file of AV_KINDS or OTHER_AV_KINDS by FFmpeg, with times from `offset` seconds on."""
    container_format, codec, rate = {**AV_KINDS, **OTHER_AV_KINDS}[kind]
    sink = io.BytesIO()
    container = av.open(sink, "w", format=container_format)
    container.metadata.update(metadata or {})
    stream = container.add_stream(codec, rate=rate, layout="stereo")
    sample_format = "fltp" if codec == "aac" else "flt" if codec == "libopus" else stream.codec_context.codec.audio_formats[0].name
    stream.format = sample_format
    if codec == "wmav2":
        stream.bit_rate = 128_000
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(audio.T), format="fltp", layout="stereo")
    frame.sample_rate, frame.pts = rate, 0
    size = 0 if codec in ("aac", "libopus", "wmav2") else 4096
    resampler = av.AudioResampler(format=sample_format, layout="stereo", rate=rate, frame_size=size)
    for piece in [*resampler.resample(frame), *resampler.resample(None)]:
        if offset:
            piece.pts += round(offset * rate)
        container.mux(stream.encode(piece))
    container.mux(stream.encode(None))
    container.close()
    return sink.getvalue()


def without_xing(mp3: bytes) -> bytes:
    """An mp3 as old encoders wrote it: without the first frame, which says how long the file is."""
    assert b"Xing" in mp3[:200] or b"Info" in mp3[:200]
    kilobits = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[mp3[2] >> 4]
    rate = (44100, 48000, 32000)[mp3[2] >> 2 & 3]
    return mp3[144_000 * kilobits // rate + (mp3[2] >> 1 & 1) :]
