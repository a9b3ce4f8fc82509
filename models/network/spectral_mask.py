"""A mask over the short-time spectrum of a noisy waveform: a Wiener filter that is learnt.

White noise lies in all bins of a spectrum and music in few, so there one sees which is which; convolutions over samples learn it slowly.
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
"""Bins and frames between what each convolution puts together."""
_LEAST, _MOST = -7.0, 14.0
"""What the convolutions see of the logarithm of power over expected noise."""
_HALF = 1.5
"""Where the mask begins at one half: noise alone is above it in one bin of ninety."""


def mask_reach(hop: int) -> int:
    """How many samples to either side what a mask keeps depends on: half of both transforms, the convolutions, a position of features."""
    return hop * (OVERLAP + sum(frames for _, frames in _APART) + 1)


class SpectralMask(nn.Module):
    """x and lambda -> what is added to a network's output: x, what the mask keeps of it and the noise it takes away, weighted by lambda.

    The mask is a sigmoid of the logarithm of power over expected noise, corrected by convolutions over frequency and time that see this
    logarithm beside what the U-Net expects in each bin and frame. Frames lie one `hop` apart, a position of the U-Net's features, and are
    `OVERLAP` hops long; their transform is a tight frame, so a mask of ones gives x back. All weights of the sum start at zero.
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

    def forward(self, x: Tensor, lam: Tensor, time: Tensor, features: Tensor) -> Tensor:
        """x (B, 1, T), lambda (B,), its embedding (B, time_width), features (B, features, T / hop) -> (B, 1, T) in fp32."""
        x = x.float()
        _, sigma = alpha_sigma(per_sample(lam.float(), x))
        kept = self.kept(x, sigma, features)
        parts = torch.cat([x, kept, (x - kept) / sigma], 1)
        added: Tensor = (parts * self.mix(time)[:, :, None]).sum(1, keepdim=True)
        return added

    def kept(self, x: Tensor, sigma: Tensor, features: Tensor) -> Tensor:
        """x (B, 1, T) with noise of spread sigma (B, 1, 1) -> what the mask leaves of it, (B, 1, T)."""
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
        """(B, bins, frames) and features -> what is added before the sigmoid, (B, bins, frames). Frame k lies around position k - 1."""
        expected = functional.pad(self.expected(features), (1, OVERLAP - 2), mode="replicate")
        seen = torch.stack([louder.clamp(_LEAST, _MOST).to(expected.dtype), expected], 1)
        first, *others = self.convolutions
        hidden = functional.silu(first(seen))
        for convolution in others:
            hidden = hidden + functional.silu(convolution(hidden))
        correction: Tensor = self.exit(hidden)
        return correction[:, 0].float()
