"""MiniLM's token embeddings as the tiny cascade's text: 384 wide, from the installed package of the built-in scorer.

Words that training never saw still lie near those that it saw, which a vocabulary of our own would not give.
"""

from collections.abc import Sequence
from functools import lru_cache

from noise2music.core.arrays import Float32s
from noise2music.core.device import one_thread
from noise2music.labeling.scorers.minilm import DIMENSIONS, load_minilm
from noise2music.models.text.encoder import REMEMBERED

NAME = "minilm"
SPECIAL = 2


class MiniLMEncoder:
    """See models.text.encoder.TextEncoder. A sequence is [CLS] ... [SEP], at most 512 tokens long."""

    def __init__(self, device: str = "cpu") -> None:
        self._network = load_minilm(device)
        self._tokens = lru_cache(REMEMBERED)(self._network.content_tokens)
        self.name = NAME
        self.identity = self._network.identity
        self.dim = DIMENSIONS

    def tokenise(self, text: str) -> tuple[int, ...]:
        """WordPiece tokens."""
        return self._tokens(text)

    def room(self, tokens: int) -> int:
        """All but [CLS] and [SEP], as far as the network has positions."""
        return max(0, min(tokens, self._network.positions) - SPECIAL)

    def encode(self, ids: Sequence[int]) -> Float32s:
        """(n + 2, 384) last hidden states; n is at most 510."""
        with one_thread():
            return self._network.hidden_states(ids)
