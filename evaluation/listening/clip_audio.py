"""A clip as raters hear it: a middle stretch, mono, one rate and length for all, soft ends, and a level that hides whose it is."""

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.decode import check_gaps, check_samples
from noise2music.core.audio.encode import audio_bytes, peak_of
from noise2music.core.audio.open_reader import open_reader
from noise2music.core.audio.resample import resample
from noise2music.core.errors import RowError
from noise2music.evaluation.listening.loudness import gain_to, integrated_loudness

RATE = 48_000
"""Hz of every clip: the highest of all systems would tell who has it, and browsers play this everywhere."""
FADE_SECONDS = 0.02
HEADROOM = 10 ** (-1 / 20)
"""Peaks stay 1 dB below full scale."""

OpenFile = Callable[[], BinaryIO]


@dataclass(frozen=True)
class Heard:
    """What was measured of a clip. seconds: of its file. peak: of full scale. loudness: LUFS."""

    seconds: float
    peak: float
    loudness: float


def measure(open_file: OpenFile, seconds: float) -> Heard:
    """Open and measure the middle `seconds`, or all where there is less. Raises RowError as `middle` does."""
    audio, length = middle(open_file, seconds)
    return Heard(length, peak_of(audio), integrated_loudness(audio, RATE))


def middle(open_file: OpenFile, seconds: float) -> tuple[Float32s, float]:
    """(samples,) at RATE of the middle of a file, and how many seconds the file has.

    Raises RowError: what open_reader raises where it is no audio, "decode_failed", "truncated" (holds nothing), "not_finite", "silent".
    """
    with open_file() as file:
        reader = open_reader(file)
        wanted = min(reader.frames, round(seconds * reader.rate))
        start = (reader.frames - wanted) // 2
        stretch = reader.read(start, start + wanted)
    if not len(stretch.audio):
        raise RowError("truncated", "the file holds no audio")
    check_gaps(stretch, reader.rate, len(stretch.audio) / reader.rate)
    check_samples(stretch.audio)
    return resample(stretch.audio, reader.rate, RATE), reader.frames / reader.rate


def common_target(target: float, clips: dict[str, Heard]) -> tuple[float, str | None]:
    """The loudness that all clips can have without one going over full scale: `target` or less, in LUFS; and the clip that set it."""
    most = {name: heard.loudness + 20 * math.log10(HEADROOM / heard.peak) for name, heard in clips.items() if math.isfinite(heard.loudness)}
    name = min(most, key=lambda item: (most[item], item), default=None)
    return (target, None) if name is None or most[name] >= target else (most[name], name)


def finished(audio: Float32s, seconds: float, gain: float) -> bytes:
    """(samples,) at RATE -> its middle `seconds` as FLAC, times `gain`, faded in and out."""
    length = min(len(audio), round(seconds * RATE))
    start = (len(audio) - length) // 2
    fade = min(round(FADE_SECONDS * RATE), length // 2)
    ramp = np.sin(np.linspace(0, np.pi / 2, fade, endpoint=False)) ** 2
    shape = np.ones(length)
    shape[:fade], shape[length - fade :] = ramp, ramp[::-1]
    return audio_bytes((audio[start : start + length] * shape * gain).astype(np.float32), RATE)


def gain_of(heard: Heard, target: float | None) -> float:
    """The factor for a clip: to `target` LUFS, or 1 where levels stay; within full scale, and 1 for what is too quiet to be measured."""
    if target is None or not math.isfinite(heard.loudness):
        return min(1.0, HEADROOM / heard.peak)
    return gain_to(heard.loudness, target)


def sound(audio: Float32s) -> OpenFile:
    """Audio at RATE as a file that can be opened."""
    data = audio_bytes(audio, RATE)
    return lambda: io.BytesIO(data)
