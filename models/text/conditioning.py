"""Embeddings as the networks take them: padded to one length, with a mask."""

from collections.abc import Sequence

import torch
from torch import Tensor

from labeling.scorers.base import Float32s
from models.text.encoder import TextEncoder


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
