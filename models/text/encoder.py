"""What the cascade asks of a text encoder."""

from collections.abc import Sequence
from typing import Protocol

from noise2music.core.arrays import Float32s

# Texts whose tokens an encoder remembers: captions come again in every epoch, and with other clips.
REMEMBERED = 1 << 15


class TextEncoder(Protocol):
    """A frozen encoder. name: of the configuration. identity: a hash of weights, configuration and tokeniser. dim: of an embedding."""

    name: str
    identity: str
    dim: int

    def tokenise(self, text: str) -> tuple[int, ...]:
        """The tokens of a text's content: nothing special around them, nothing cut. Remembered for the latest texts."""
        ...

    def room(self, tokens: int) -> int:
        """How many content tokens fit into a sequence of `tokens`, special ones counted."""
        ...

    def encode(self, ids: Sequence[int]) -> Float32s:
        """Content tokens -> (n, dim), a row a token, special ones included.

        The sequence is alone in its batch, and on a CPU on one thread: nothing else matters.
        """
        ...
