"""The inputs of a network beside x and its log SNR (the four inputs of the paper's figure 1)."""

from dataclasses import dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Inputs:
    """Conditions of a batch of B; each may be absent.

    concat_cond: (B, C', T), concatenated to the channels of x, as the upsampled low-rate audio is.
    local_cond: (B, C'', T / stride), added at the bottom of the U, frame by frame.
    text: (B, tokens, dim). text_mask: (B, tokens), True where a token is real; a row without any has no text.
    aug_log_snr: (B,), log SNR of the noise that augments concat_cond or local_cond (paper section 3.7).
    """

    concat_cond: Tensor | None = None
    local_cond: Tensor | None = None
    text: Tensor | None = None
    text_mask: Tensor | None = None
    aug_log_snr: Tensor | None = None

    def without_text(self) -> "Inputs":
        """The same without text, for the unconditional branch."""
        return replace(self, text=None, text_mask=None)

    def beside(self, other: "Inputs") -> "Inputs":
        """The rows of this batch, then those of another with the same signals. Either may be without text."""
        text, mask = _two(self.text, other.text), _two(self.text_mask, other.text_mask)
        signals = ((self.concat_cond, other.concat_cond), (self.local_cond, other.local_cond), (self.aug_log_snr, other.aug_log_snr))
        concat_cond, local_cond, aug_log_snr = (None if one is None or two is None else torch.cat([one, two]) for one, two in signals)
        return Inputs(concat_cond, local_cond, text=text, text_mask=mask, aug_log_snr=aug_log_snr)

    def to(self, device: torch.device) -> "Inputs":
        """The same on a device."""
        return Inputs(
            *(
                None if tensor is None else tensor.to(device, non_blocking=True)
                for tensor in (self.concat_cond, self.local_cond, self.text, self.text_mask, self.aug_log_snr)
            )
        )


def _two(one: Tensor | None, two: Tensor | None) -> Tensor | None:
    """One after the other; zeros, or False, in place of one that is absent."""
    if one is None or two is None:
        like = one if one is not None else two
        if like is None:
            return None
        one, two = (torch.zeros_like(like) if tensor is None else tensor for tensor in (one, two))
    return torch.cat([one, two])
