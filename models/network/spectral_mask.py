"""A mask over the short-time spectrum of a noisy waveform: a Wiener filter that is learnt.

White noise fills all bins of a spectrum and music fills few, so a mask can tell them apart there. Convolutions over samples learn that
slowly.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from noise2music.models.diffusion.schedule import alpha_sigma, per_sample
from noise2music.models.network.layers import Conv1d, zeroed

OVERLAP = 4
"""Frames that cover a sample."""
_APART = ((1, 1), (1, 2), (2, 4))
"""Dilation of each convolution, in bins and frames."""
_LEAST, _MOST = -7.0, 14.0
"""Limits of the logarithm of power over expected noise, as the convolutions see it."""
_HALF = 1.5
"""The logarithm at which an uncorrected mask is one half: noise alone is above it in one bin of ninety."""


def mask_reach(hop: int) -> int:
    """How many samples to either side a masked sample depends on: half of both transforms, the convolutions, a position of features."""
    return hop * (OVERLAP + sum(frames for _, frames in _APART) + 1)


class SpectralMask(nn.Module):
    """x and log SNR -> a sum that is added to a network's output: of x, x under the mask, and the noise that the mask takes away.

    The three weights of the sum depend on the log SNR and start at zero. The mask is a sigmoid of the logarithm of power over expected
    noise, corrected by convolutions over frequency and time. They see this logarithm and, beside it, what the U-Net expects in each bin and
    frame. Frames lie one `hop` apart, which is one position of the U-Net's features, and are `OVERLAP` hops long. Their transform is a
    tight frame, so a mask of ones gives x back.
    """

    def __init__(self, hop: int, channels: int, features: int, time_width: int) -> None:
        super().__init__()
        self.hop = hop
        self.expected = Conv1d(features, OVERLAP * hop // 2 + 1, 1)
        self.convolutions = nn.ModuleList(
            nn.Conv2d(channels_in, channels, 3, padding=apart, dilation=apart)
            for channels_in, apart in zip((2, channels, channels), _APART, strict=True)
        )
        self.exit = zeroed(nn.Conv2d(channels, 1, 1))
        self.mix = zeroed(nn.Linear(time_width, 3))

    def forward(self, x: Tensor, log_snr: Tensor, time: Tensor, features: Tensor) -> Tensor:
        """x (B, 1, T), log SNR (B,), its embedding (B, time_width), features (B, features, T / hop) -> (B, 1, T) in fp32."""
        x = x.float()
        _, sigma = alpha_sigma(per_sample(log_snr.float(), x))
        masked = self.masked(x, sigma, features)
        parts = torch.cat([x, masked, (x - masked) / sigma], 1)
        added: Tensor = (parts * self.mix(time)[:, :, None]).sum(1, keepdim=True)
        return added

    def masked(self, x: Tensor, sigma: Tensor, features: Tensor) -> Tensor:
        """x (B, 1, T) with noise of standard deviation sigma (B, 1, 1) -> x under the mask, (B, 1, T)."""
        margin = (OVERLAP - 1) * self.hop
        window = torch.hann_window(OVERLAP * self.hop, device=x.device) * math.sqrt(8 / 3 / OVERLAP)
        frames = functional.pad(x[:, 0], (margin, margin)).unfold(1, len(window), self.hop)
        spectrum = torch.fft.rfft(frames * window, norm="ortho")
        louder = (spectrum.abs().square() * OVERLAP / sigma.square()).clamp_min(1e-10).log().transpose(1, 2)
        mask = torch.sigmoid(louder - _HALF + self._correction(louder, features)).transpose(1, 2)
        frames = torch.fft.irfft(spectrum * mask, len(window), norm="ortho") * window
        added = functional.fold(frames.transpose(1, 2), (1, x.shape[-1] + 2 * margin), (1, len(window)), stride=(1, self.hop))
        return added[:, 0, :, margin:-margin]

    def _correction(self, louder: Tensor, features: Tensor) -> Tensor:
        """(B, bins, frames) and features -> the correction before the sigmoid, (B, bins, frames). Frame k lies around position k - 1."""
        expected = functional.pad(self.expected(features), (1, OVERLAP - 2), mode="replicate")
        seen = torch.stack([louder.clamp(_LEAST, _MOST).to(expected.dtype), expected], 1)
        first, *others = self.convolutions
        hidden = functional.silu(first(seen))
        for convolution in others:
            hidden = hidden + functional.silu(convolution(hidden))
        correction: Tensor = self.exit(hidden)
        return correction[:, 0].float()
