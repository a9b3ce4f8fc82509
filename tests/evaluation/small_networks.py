"""Networks of a few lines that hear something, without weights: deterministic, and quick."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.errors import UserError
from noise2music.labeling.scorers.base import TextEmbeddings

RATE = 8000
WORDS = ("low", "middle", "high")
TONES = (220.0, 880.0, 2600.0)


def bands(audio: Float32s, count: int) -> Float32s:
    """(samples,) at RATE -> (count,) log power in equal steps of pitch, 100 Hz to 4 kHz."""
    power = np.square(np.abs(np.fft.rfft(audio * np.hanning(len(audio)))))
    edges = np.geomspace(100, RATE / 2, count + 1)
    place = np.digitize(np.fft.rfftfreq(len(audio), 1 / RATE), edges) - 1
    return np.array([np.log(power[place == band].sum() / len(audio) ** 2 + 1e-6) for band in range(count)], np.float32)


@dataclass
class Frames:
    """A row every quarter of a second."""

    name: str = "bands"
    sample_rate: int = RATE
    dimension: int = 6
    unit: Literal["frame", "clip"] = "frame"
    min_seconds: float = 0.25
    identity: str = "b" * 64
    heard: list[int] = field(default_factory=list)

    def embed(self, audio: Float32s) -> Float32s:
        self.heard.append(len(audio))
        step = RATE // 4
        pieces = [bands(audio[start : start + step], self.dimension) for start in range(0, len(audio) - step + 1, step)]
        return np.array(pieces, np.float32).reshape(-1, self.dimension)

    def posteriors(self, rows: Float32s) -> Float32s:
        return (1 / (1 + np.exp(-rows - 8))).astype(np.float32)


class Words:
    """A scorer's text: each of WORDS is where its tone is loud."""

    def embed_text(self, captions: Sequence[str]) -> TextEmbeddings:
        tones = dict(zip(WORDS, map(tone_vector, TONES), strict=True))
        rows = [sum((vector for word, vector in tones.items() if word in text), np.full(12, 1e-3)) for text in captions]
        joint = np.array([row / np.linalg.norm(row) for row in rows], np.float32)
        return TextEmbeddings(joint, joint)


@dataclass
class Pairs:
    """A unit vector a clip, with text in the same space."""

    name: str = "pairs"
    sample_rate: int = RATE
    dimension: int = 12
    unit: Literal["frame", "clip"] = "clip"
    min_seconds: float = 0.1
    identity: str = "c" * 64
    scorer: Words = field(default_factory=Words)

    def embed(self, audio: Float32s) -> Float32s:
        row = bands(audio, self.dimension) + 14
        return (row / np.linalg.norm(row))[None].astype(np.float32)


def tone_vector(tone: float) -> Float32s:
    return bands(np.sin(2 * np.pi * tone * np.arange(RATE) / RATE).astype(np.float32), 12) + 14


def load_small(name: str, _device: str = "cpu") -> Frames | Pairs:
    """In place of `load_embedder`."""
    if name not in ("bands", "pairs"):
        raise UserError(f'there is no network "{name}".')
    return Frames() if name == "bands" else Pairs()
