"""`starter`: the built-in scorer, which needs no model hub. Audio: the two musicnn taggers. Text: MiniLM. docs/starter.md is its model card."""

import hashlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import torch

from labeling.scorers import musicnn_mel
from labeling.scorers.base import TextEmbeddings
from labeling.scorers.minilm import DIMENSIONS, MiniLM, load_minilm
from labeling.scorers.musicnn import Tagger
from labeling.scorers.musicnn_tags import TAGS
from labeling.scorers.musicnn_weights import TAGGERS, load_tagger_weights
from labeling.scorers.starter_space import Reference, TextMap, place_audio, place_text, read_reference, read_text_map

Float32s = npt.NDArray[np.float32]

VERSION = 1
"""Raise it when an embedding changes although no weight does: another front end, another way to pool."""


class Starter:
    """Implements labeling.scorers.base.Scorer. A window is 3 s of log-mel frames, an output the 100 tag probabilities."""

    name = "starter"
    sample_rate = musicnn_mel.SAMPLE_RATE
    dim = len(TAGS)
    meaning_dim = DIMENSIONS

    def __init__(self, taggers: Sequence[Tagger], minilm: MiniLM, text_map: TextMap, reference: Reference, identity: str, device: str) -> None:
        self.identity = identity
        self.device = device
        self._taggers = [tagger.to(device) for tagger in taggers]
        self._minilm = minilm
        self._text_map = text_map
        self._reference = reference

    def windows(self, audio: Float32s) -> torch.Tensor:
        """(samples,) mono at 16 kHz -> (windows, 187, 96): 3 s without overlap, the rest dropped, a short clip repeated (musicnn_mel)."""
        return musicnn_mel.windows(audio)

    def network(self, batch: torch.Tensor) -> torch.Tensor:
        """(N, 187, 96) -> (N, 100) tag probabilities.

        On a CPU one window at a time, which is as fast (a window fills the convolutions) and makes a row the same bits in any batch.
        """
        pieces = batch.split(1) if self.device == "cpu" else (batch,)
        with torch.inference_mode():
            return torch.cat([self._probabilities(piece.to(self.device)) for piece in pieces]).cpu()

    def _probabilities(self, windows: torch.Tensor) -> torch.Tensor:
        return torch.cat([torch.sigmoid(tagger(windows)[0]) for tagger in self._taggers], 1)

    def pool(self, outputs: Float32s) -> Float32s:
        """(windows, 100) tag probabilities of one clip -> (100,) unit vector."""
        return place_audio(outputs.mean(0, dtype=np.float64).astype(np.float32), self._reference)

    def embed_text(self, captions: Sequence[str]) -> TextEmbeddings:
        """N captions -> (N, 100) unit vectors beside audio and (N, 384) MiniLM unit vectors."""
        meaning = self._minilm(captions)
        return TextEmbeddings(joint=place_text(meaning, self._text_map, self._reference), meaning=meaning)


def load_starter(device: str = "cpu") -> Starter:
    """The scorer on "cpu" or "cuda". Raises UserError, with the command that installs it, where a package is missing."""
    weights = load_tagger_weights()
    minilm = load_minilm(device)
    text_map, reference = read_text_map(), read_reference()
    digest = hashlib.sha256(f"starter {VERSION} {minilm.identity}".encode())
    for tagger in TAGGERS:
        for name in sorted(weights[tagger]):
            digest.update(f"{tagger}/{name}".encode() + weights[tagger][name].tobytes())
    for values in (text_map.centre, text_map.weights, reference.mean, reference.spread):
        digest.update(values.tobytes())
    taggers = [Tagger(weights[tagger]).eval() for tagger in TAGGERS]
    return Starter(taggers, minilm, text_map, reference, digest.hexdigest(), device)
