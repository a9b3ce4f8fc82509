"""Prompts become what the stages read: the text encoder works first, for all of a call, and can then make room."""

from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from itertools import product

import numpy as np
import numpy.typing as npt
import torch

from noise2music.core.arrays import Float32s
from noise2music.core.errors import UserError
from noise2music.models.cascade.weights import TextIdentity
from noise2music.models.text.conditioning import prompt_tokens
from noise2music.models.text.encoder import EmbeddingCache, TextEncoder
from noise2music.models.text.load import TextSettings, load_encoder


@dataclass(frozen=True)
class Embedded:
    """A text's embedding (n, dim), and how many of its tokens did not fit."""

    states: Float32s
    cut: int


class PromptTexts:
    """The text encoder that the stages were trained with. model: its folder or hub id where that is not the name it was trained under.

    It is loaded when it is first asked for. In fp32 on a GPU too, since its precision is part of its identity. Threads take turns at it.
    """

    def __init__(self, identity: TextIdentity, model: str | None, device: torch.device) -> None:
        self._identity = identity
        self._model = model or identity.name
        self._device = device
        self._loaded: tuple[TextEncoder, EmbeddingCache] | None = None
        self._ahead: dict[tuple[str, int], tuple[npt.NDArray[np.float16], int]] = {}

    @property
    def dim(self) -> int:
        """Size of the embeddings."""
        return self._identity.dim

    def load(self) -> tuple[TextEncoder, EmbeddingCache]:
        """The encoder and its cache. Raises UserError where it is not there, or not the one that the stages were trained with."""
        if self._loaded is None:
            encoder = load_encoder(TextSettings(model=self._model), self._device.type, torch.float32)
            if encoder.identity != self._identity.identity:
                raise UserError(
                    f"the stages were trained with the text encoder {self._identity.name} ({self._identity.identity[:12]}), and "
                    f"{self._model} is another ({encoder.identity[:12]}). Name the folder or hub id of the one they were trained with."
                )
            self._loaded = encoder, EmbeddingCache(encoder)
        return self._loaded

    def embed(self, texts: Iterable[str], tokens: Sequence[int]) -> dict[tuple[str, int], Embedded]:
        """Every text for every length of sequence that a stage reads. Rounded to half precision, as in training."""
        pairs = set(product(texts, tokens))
        embeddings = {}
        for each in pairs & self._ahead.keys():
            states, cut = self._ahead[each]
            embeddings[each] = Embedded(states.astype(np.float32), cut)
        return embeddings | self._computed(pairs - embeddings.keys())

    def read_ahead(self, texts: Iterable[str], tokens: Sequence[int]) -> None:
        """Embed texts that will be asked for, and keep that, in half precision, when the encoder is given back."""
        for each, embedded in self._computed(set(product(texts, tokens)) - self._ahead.keys()).items():
            self._ahead[each] = embedded.states.astype(np.float16), embedded.cut

    def _computed(self, pairs: Set[tuple[str, int]]) -> dict[tuple[str, int], Embedded]:
        """Without any, the encoder is not loaded."""
        if not pairs:
            return {}
        encoder, cache = self.load()
        embeddings = {}
        for text, length in pairs:
            ids, cut = prompt_tokens(text, encoder, length)
            embeddings[text, length] = Embedded(cache.get(ids), cut)
        return embeddings

    def free(self) -> None:
        """Give back the encoder's memory until it is asked for again."""
        self._loaded = None
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
