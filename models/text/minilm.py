"""MiniLM's token embeddings as the tiny cascade's text: 384 wide, from the installed package of the built-in scorer.

Words that training never saw still lie near those that it saw, which a vocabulary of our own would not give.
"""

from collections.abc import Sequence

from labeling.scorers.base import Float32s
from labeling.scorers.minilm import DIMENSIONS, load_minilm

NAME = "minilm"
SPECIAL = 2


class MiniLMEncoder:
    """See models.text.encoder.TextEncoder. A sequence is [CLS] ... [SEP], at most 512 tokens long."""

    def __init__(self, device: str = "cpu") -> None:
        self._network = load_minilm(device)
        self.name = NAME
        self.identity = self._network.identity
        self.dim = DIMENSIONS

    def tokenise(self, text: str) -> tuple[int, ...]:
        """WordPiece tokens."""
        return self._network.content_tokens(text)

    def room(self, tokens: int) -> int:
        """All but [CLS] and [SEP]."""
        return max(0, tokens - SPECIAL)

    def encode(self, ids: Sequence[int]) -> Float32s:
        """(n + 2, 384) last hidden states."""
        return self._network.hidden_states(ids)
