"""Embeddings as the networks take them: padded to one length, with a mask."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from noise2music.core.arrays import Float32s
from noise2music.models.text.encoder import TextEncoder

# The text batch of a clip (paper section 2.6): long captions one by one, everything shorter joined and cut to the encoder's length.


SEPARATOR = ", "
"""Between short texts; the paper does not say how they are joined."""


@dataclass(frozen=True)
class TextBatch:
    """Content tokens of each element. cut: how many long captions lost tokens."""

    elements: tuple[tuple[int, ...], ...]
    cut: int

    def choose(self, choice: float) -> tuple[int, ...] | None:
        """One element by a uniform number in [0, 1); None where there is none."""
        if not self.elements:
            return None
        return self.elements[min(int(choice * len(self.elements)), len(self.elements) - 1)]


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


def pad_text(embeddings: Sequence[Float32s | None], tokens: int, dim: int) -> tuple[Tensor, Tensor]:
    """B embeddings (n, dim) -> (B, tokens, dim), zeros behind, and (B, tokens) bool, True where real. None is no text: no True in its row.

    Raises ValueError where an embedding is longer than `tokens`.
    """
    padded = torch.zeros(len(embeddings), tokens, dim)
    mask = torch.zeros(len(embeddings), tokens, dtype=torch.bool)
    for row, embedding in enumerate(embeddings):
        if embedding is not None:
            if len(embedding) > tokens:
                raise ValueError(f"an embedding of {len(embedding)} tokens does not fit {tokens}")
            padded.numpy()[row, : len(embedding)] = embedding
            mask[row, : len(embedding)] = True
    return padded, mask


def prompt_tokens(prompt: str, encoder: TextEncoder, tokens: int) -> tuple[tuple[int, ...], int]:
    """A user's prompt -> its content tokens as far as they fit into a sequence of `tokens`, and how many did not."""
    # Half a surrogate pair, which JSON can hold, is no text to a tokeniser.
    ids = encoder.tokenise(prompt.encode("utf-8", "replace").decode("utf-8"))
    room = encoder.room(tokens)
    return ids[:room], max(0, len(ids) - room)


def encode_prompt(prompt: str, encoder: TextEncoder, tokens: int) -> tuple[Float32s, int]:
    """A user's prompt -> its embedding (n, dim), n <= tokens, and how many of its tokens did not fit."""
    ids, cut = prompt_tokens(prompt, encoder, tokens)
    return encoder.encode(ids), cut
