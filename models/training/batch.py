"""A batch of a training step: audio, and the text of each clip in this step."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from noise2music.core.randomness import uniforms
from noise2music.models.data.clips import Clip
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.text.conditioning import pad_text, text_batch
from noise2music.models.text.encoder import EmbeddingCache, TextEncoder

log = logging.getLogger("n2m")


@dataclass(frozen=True)
class Batch:
    """B clips: their numbers in the run, their ids, audio (B, samples) at 24 kHz, `valid` (B,) real samples of each, and text for a
    stage that reads any: (B, tokens, dim) with its mask (B, tokens).
    """

    numbers: tuple[int, ...]
    clip_ids: tuple[str, ...]
    audio: Tensor
    valid: Tensor
    text: Tensor | None = None
    text_mask: Tensor | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same on a device."""
        if device.type == "cpu":
            return self
        return self._each(lambda tensor: tensor.pin_memory().to(device, non_blocking=True))

    def parts(self, size: int) -> "list[Batch]":
        """The same clips in batches of at most `size`."""
        return [self._rows(slice(start, start + size)) for start in range(0, len(self.numbers), size)]

    def with_text(self, inputs: Inputs) -> Inputs:
        """A pair's inputs with this text."""
        return replace(inputs, text=self.text, text_mask=self.text_mask)

    def _rows(self, rows: slice) -> "Batch":
        cut = self._each(lambda tensor: tensor[rows])
        return replace(cut, numbers=self.numbers[rows], clip_ids=self.clip_ids[rows])

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        text, mask = (None if tensor is None else change(tensor) for tensor in (self.text, self.text_mask))
        return replace(self, audio=change(self.audio), valid=change(self.valid), text=text, text_mask=mask)


class Texts:
    """Chooses and embeds the text of each clip (paper section 2.6): one random element of its text batch, or none for a share of clips.

    `cut` counts captions that lost words to the token limit (the first is logged), `without` clips that have no text at all.
    """

    def __init__(self, encoder: TextEncoder, cache: EmbeddingCache, tokens: int, dropped: float, seed: int) -> None:
        self._encoder, self._cache, self._tokens, self._dropped, self._seed = encoder, cache, tokens, dropped, seed
        self.cut = 0
        self.without = 0

    def __call__(self, clips: Sequence[Clip]) -> tuple[Tensor, Tensor]:
        """B clips -> (B, tokens, dim) and its mask (B, tokens)."""
        numbers = [clip.number for clip in clips]
        choices = uniforms(self._seed, numbers, "text").tolist()
        dropped = (uniforms(self._seed, numbers, "no text") < self._dropped).tolist()
        texts = [self._choose(clip, choice) for clip, choice in zip(clips, choices, strict=True)]
        embeddings = [None if ids is None or drop else self._cache.get(ids) for ids, drop in zip(texts, dropped, strict=True)]
        return pad_text(embeddings, self._tokens, self._encoder.dim)

    def _choose(self, clip: Clip, choice: float) -> tuple[int, ...] | None:
        texts = text_batch(clip.long, clip.short, self._encoder, self._tokens)
        if texts.cut and not self.cut:
            log.warning(
                "A caption of clip %s has more than the %d tokens that this stage reads; the rest is left out. Others are only counted.",
                clip.clip_id,
                self._tokens,
            )
        self.cut += texts.cut
        self.without += not texts.elements
        return texts.choose(choice)


def make_batch(clips: Sequence[Clip], texts: Texts | None) -> Batch:
    """Clips of one length -> a batch on the CPU; without `texts` it has no text."""
    text, mask = texts(clips) if texts is not None else (None, None)
    return Batch(
        numbers=tuple(clip.number for clip in clips),
        clip_ids=tuple(clip.clip_id for clip in clips),
        audio=torch.stack([torch.from_numpy(clip.audio) for clip in clips]),
        valid=torch.tensor([clip.valid for clip in clips]),
        text=text,
        text_mask=mask,
    )
