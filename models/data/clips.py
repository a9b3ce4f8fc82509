"""A row of a shard becomes a clip to train on: a crop of its audio, and its texts."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import soundfile

from noise2music.core.arrays import Float32s
from noise2music.core.errors import RowError
from noise2music.models.cascade.stage import CORPUS_RATE, FRAME_SAMPLES

LONG_WORDS = 6


@dataclass(frozen=True)
class Clip:
    """number: of this clip in the run, which is how many were seen before it. audio (samples,) mono at 24 kHz, of which `valid` are real
    and the rest is padding. long: captions that are texts of their own; short: tags and the like (paper section 2.6).
    """

    number: int
    clip_id: str
    audio: Float32s
    valid: int
    long: tuple[str, ...]
    short: tuple[str, ...]


def make_clip(row: Mapping[str, Any], number: int, crop_samples: int, position: float) -> Clip:
    """A row (schemas.SHARD) -> its crop of `crop_samples`, which starts at `position` in [0, 1) of what is left, on a frame of 10 ms.

    Raises RowError where the audio cannot be decoded, is empty, is no number somewhere, or has another rate.
    """
    audio = _decode(row["audio"]["bytes"], crop_samples, position)
    padded = np.zeros(crop_samples, np.float32)
    padded[: len(audio)] = audio
    long, short = texts_of(row["title"], row["tags"], row["labels"])
    return Clip(number=number, clip_id=row["clip_id"], audio=padded, valid=len(audio), long=long, short=short)


def texts_of(title: str | None, tags: Sequence[str], labels: Sequence[Mapping[str, str]]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """(long, short) texts of a clip: captions, then title and tags, which are short. The artist's name is none of them.

    A vocabulary whose name ends in "_long" or "_short" says what its captions are; in others a caption of six words or more is long.
    """
    long = [label["caption"] for label in labels if _is_long(label)]
    short = [label["caption"] for label in labels if not _is_long(label)]
    return tuple(long), (*short, *([title] if title else []), *tags)


def _is_long(label: Mapping[str, str]) -> bool:
    if label["vocabulary"].endswith(("_long", "_short")):
        return label["vocabulary"].endswith("_long")
    return len(label["caption"].split()) >= LONG_WORDS


def _decode(flac: bytes, crop_samples: int, position: float) -> Float32s:
    """Only the crop is decoded."""
    try:
        with soundfile.SoundFile(io.BytesIO(flac)) as file:
            if file.samplerate != CORPUS_RATE:
                raise RowError("wrong_rate", f"audio of {file.samplerate} Hz instead of {CORPUS_RATE}")
            frames = max(0, file.frames - crop_samples) // FRAME_SAMPLES
            file.seek(min(int(position * (frames + 1)), frames) * FRAME_SAMPLES)
            audio: Float32s = file.read(crop_samples, dtype="float32", always_2d=True).mean(axis=1)
            expected = min(crop_samples, file.frames)
    except (soundfile.SoundFileError, RuntimeError, ValueError, TypeError) as error:
        raise RowError("not_audio", str(error).strip()) from None
    if len(audio) < max(1, expected):
        raise RowError("truncated", f"{len(audio)} samples of {expected}" if expected else "no samples")
    if not np.isfinite(audio).all():
        raise RowError("not_finite", "audio holds values that are no numbers")
    return audio
