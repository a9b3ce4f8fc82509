"""The interface of all scorers: audio and text in one space, in which the inner product of unit vectors is the score."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch

from noise2music.core.arrays import Float32s


@dataclass(frozen=True)
class TextEmbeddings:
    """`joint` (N, dim): unit vectors that are compared with audio. `meaning` (N, text_dim): unit vectors compared with each other."""

    joint_embeddings: Float32s
    text_embeddings: Float32s


class Scorer(Protocol):
    """One scorer, loaded and ready. Methods are pure: same input, same output, whatever came before.

    name: for people ("starter", "laion/larger_clap_music").
    identity: hash over weights and every constant that changes an embedding; enters the fingerprint.
    sample_rate: Hz of the audio that `preprocess` takes. dim, text_dim: see TextEmbeddings. device: "cpu" or "cuda".
    """

    name: str
    identity: str
    sample_rate: int
    dim: int
    text_dim: int
    device: str

    def preprocess(self, audio: Float32s) -> torch.Tensor:
        """(samples,) mono at `sample_rate` -> (windows, ...) network inputs on the CPU, at least one window. No network is run."""
        ...

    def encode_audio(self, batch: torch.Tensor) -> torch.Tensor:
        """(batch, ...) windows on the CPU -> (batch, outputs) float32 on the CPU. Rows do not depend on each other."""
        ...

    def pool(self, outputs: Float32s) -> Float32s:
        """(windows, outputs) of one clip -> (dim,) unit vector."""
        ...

    def embed_text(self, captions: Sequence[str]) -> TextEmbeddings:
        """N captions -> their unit vectors. A row does not depend on the other captions."""
        ...
