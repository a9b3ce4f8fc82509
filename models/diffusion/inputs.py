"""What a network is told beside x and lambda (the four inputs of the paper's figure 1)."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Inputs:
    """Conditions of a batch of B; each may be absent.

    stacked (B, C', T): joined to x as more channels, as the upsampled low-rate audio is. aligned (B, C'', T / stride): added at the bottom
    of the U. text (B, tokens, dim) with text_mask (B, tokens), True where a token is real; a row without any real token has no text.
    level (B,): lambda of the noise that was added to the stacked or aligned input.
    """

    stacked: Tensor | None = None
    aligned: Tensor | None = None
    text: Tensor | None = None
    text_mask: Tensor | None = None
    level: Tensor | None = None

    def without_text(self) -> "Inputs":
        """The same without text, for the unconditional branch."""
        return replace(self, text=None, text_mask=None)

    def beside(self, other: "Inputs") -> "Inputs":
        """The rows of this batch, then those of another with the same signals. Either may be without text."""
        text, mask = _two(self.text, other.text), _two(self.text_mask, other.text_mask)
        signals = ((self.stacked, other.stacked), (self.aligned, other.aligned), (self.level, other.level))
        stacked, aligned, level = (None if one is None or two is None else torch.cat([one, two]) for one, two in signals)
        return Inputs(stacked, aligned, text, mask, level)

    def to(self, device: torch.device) -> "Inputs":
        """The same on a device."""
        return Inputs(
            *(
                None if tensor is None else tensor.to(device, non_blocking=True)
                for tensor in (self.stacked, self.aligned, self.text, self.text_mask, self.level)
            )
        )


def _two(one: Tensor | None, two: Tensor | None) -> Tensor | None:
    """Both after each other; what is missing is zeros, or False."""
    if one is None or two is None:
        there = one if one is not None else two
        if there is None:
            return None
        one, two = (torch.zeros_like(there) if tensor is None else tensor for tensor in (one, two))
    return torch.cat([one, two])
