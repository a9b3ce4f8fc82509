"""Which text encoder a run uses: MiniLM's token embeddings, or a T5."""

from collections.abc import Sequence
from functools import lru_cache

import torch
from pydantic import Field

from noise2music.core.arrays import Float32s
from noise2music.core.device import one_thread
from noise2music.core.settings import Settings
from noise2music.labeling.scorers.minilm import DIMENSIONS, load_minilm
from noise2music.models.text.encoder import REMEMBERED, TextEncoder

MINILM = "minilm"
_SPECIAL = 2


class MiniLMEncoder:
    """A TextEncoder over the installed package of the built-in scorer, 384 wide, for the tiny cascade.

    A sequence is [CLS] ... [SEP], at most 512 tokens long. Words that training never saw still lie near those that it saw, which a
    vocabulary of our own would not give.
    """

    def __init__(self, device: str = "cpu") -> None:
        self._network = load_minilm(device)
        self._tokens = lru_cache(REMEMBERED)(self._network.content_tokens)
        self.name = MINILM
        self.identity = self._network.identity
        self.dim = DIMENSIONS

    def tokenise(self, text: str) -> tuple[int, ...]:
        """WordPiece tokens."""
        return self._tokens(text)

    def room(self, tokens: int) -> int:
        """All but [CLS] and [SEP], as far as the network has positions."""
        return max(0, min(tokens, self._network.positions) - _SPECIAL)

    def encode(self, ids: Sequence[int]) -> Float32s:
        """(n + 2, 384) last hidden states; n is at most 510."""
        with one_thread():
            return self._network.hidden_states(ids)


class TextSettings(Settings):
    """`model`: "minilm", or the hub id or folder of a T5 encoder of any size (`revision`: of the hub id). `cache`: a folder where
    embeddings are kept between runs (None: in memory). `dropped`: share of examples that are trained without text (paper section 3.5).
    """

    model: str = Field(MINILM, min_length=1)
    revision: str | None = None
    cache: str | None = None
    dropped: float = Field(0.1, ge=0, le=1)


def load_encoder(settings: TextSettings, device: str = "cpu", dtype: torch.dtype | None = None) -> TextEncoder:
    """The encoder, loaded and frozen. `dtype`: of a T5, part of its identity. Raises UserError that says what is missing."""
    if settings.model == MINILM:
        return MiniLMEncoder(device)
    # Imported here: transformers is slow to import, and MiniLM needs none of its models.
    from noise2music.models.text.t5 import T5Encoder

    return T5Encoder(settings.model, settings.revision, device, dtype)
