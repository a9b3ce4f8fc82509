"""The text batch of a clip (paper section 2.6): long captions one by one, everything shorter joined and cut to the encoder's length."""

from collections.abc import Sequence
from dataclasses import dataclass

from models.text.encoder import TextEncoder

SEPARATOR = ", "
"""Between short texts; the paper does not say how they are joined."""


@dataclass(frozen=True)
class TextBatch:
    """Content tokens of each element. cut: how many long captions lost tokens."""

    elements: tuple[tuple[int, ...], ...]
    cut: int

    def choose(self, place: float) -> tuple[int, ...] | None:
        """One element by a uniform number in [0, 1); None where there is none."""
        if not self.elements:
            return None
        return self.elements[min(int(place * len(self.elements)), len(self.elements) - 1)]


def text_batch(long: Sequence[str], short: Sequence[str], encoder: TextEncoder, tokens: int) -> TextBatch:
    """Texts of a clip -> its text batch for a stage that reads `tokens` tokens. Blank texts count for nothing.

    Raises ValueError where special tokens alone fill `tokens`.
    """
    room = encoder.room(tokens)
    if room < 1:
        raise ValueError(f"a sequence of {tokens} tokens has no room for text")
    whole = [encoder.tokenise(text) for text in long if text.strip()]
    joined = encoder.tokenise(SEPARATOR.join(text.strip() for text in short if text.strip()))
    segments = [joined[start : start + room] for start in range(0, len(joined), room)]
    elements = [ids[:room] for ids in whole if ids]
    return TextBatch((*elements, *segments), sum(len(ids) > room for ids in whole))
