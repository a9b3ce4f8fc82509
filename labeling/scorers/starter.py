"""`starter`: the built-in scorer, which needs no model hub (model card: docs/starter.md).

Audio goes through the two musicnn taggers, text through MiniLM.
"""

import hashlib
from collections.abc import Sequence

import numpy as np
import torch

from labeling.scorers import musicnn_mel
from labeling.scorers.base import Float32s, TextEmbeddings
from labeling.scorers.minilm import DIMENSIONS, MiniLM, load_minilm
from labeling.scorers.musicnn import Tagger, load_taggers, tag_probabilities
from labeling.scorers.musicnn_tags import TAGS
from labeling.scorers.musicnn_weights import load_tagger_weights
from labeling.scorers.starter_space import Reference, TextMap, place_audio, place_text, read_reference, read_text_map

VERSION = 1
"""Raise it when an embedding changes although no weight does: another front end, another way to pool."""


class Starter:
    """Implements labeling.scorers.base.Scorer. A window is 3 s of log-mel frames, an output the 100 tag probabilities."""

    name = "starter"
    sample_rate = musicnn_mel.SAMPLE_RATE
    dim = len(TAGS)
    meaning_dim = DIMENSIONS

    def __init__(
        self, taggers: Sequence[Tagger], minilm: MiniLM, text_map: TextMap, reference: Reference, identity: str, device: str
    ) -> None:
        self.identity = identity
        self.device = device
        self._taggers = taggers
        self._minilm = minilm
        self._text_map = text_map
        self._reference = reference

    def windows(self, audio: Float32s) -> torch.Tensor:
        """(samples,) mono at 16 kHz -> (windows, 187, 96): 3 s without overlap, the rest dropped, a short clip repeated (musicnn_mel)."""
        return musicnn_mel.windows(audio)

    def network(self, batch: torch.Tensor) -> torch.Tensor:
        """(N, 187, 96) -> (N, 100) tag probabilities."""
        return tag_probabilities(self._taggers, batch)

    def pool(self, outputs: Float32s) -> Float32s:
        """(windows, 100) tag probabilities of one clip -> (100,) unit vector."""
        return place_audio(outputs.mean(0, dtype=np.float64).astype(np.float32), self._reference)

    def embed_text(self, captions: Sequence[str]) -> TextEmbeddings:
        """N captions -> (N, 100) unit vectors beside audio and (N, 384) MiniLM unit vectors."""
        meaning = self._minilm(captions)
        return TextEmbeddings(joint=place_text(meaning, self._text_map, self._reference), meaning=meaning)


def load_starter(device: str = "cpu") -> Starter:
    """The scorer on "cpu" or "cuda". Raises UserError, with the command that installs it, where a package is missing."""
    taggers, minilm = load_taggers(device), load_minilm(device)
    text_map, reference = read_text_map(), read_reference()
    digest = hashlib.sha256(f"starter {VERSION} {minilm.identity}".encode())
    for weights in load_tagger_weights().values():
        for name, values in weights.items():
            digest.update(name.encode() + values.tobytes())
    for values in (text_map.centre, text_map.weights, reference.mean, reference.spread):
        digest.update(values.tobytes())
    return Starter(taggers, minilm, text_map, reference, digest.hexdigest(), device)
