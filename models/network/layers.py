"""The layers that a block of the U-Net is made of."""

import math
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

Layer = TypeVar("Layer", bound=nn.Module)


class Conv1d(nn.Conv1d):
    """nn.Conv1d that on a CPU keeps the channels of a position side by side in memory, as a picture of height 1.

    Strided convolutions and their gradients are then more than twice as fast there. Shapes and parameters are those of nn.Conv1d.
    """

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu":
            return super().forward(x)
        stride, padding = (1, self.stride[0]), (0, int(self.padding[0]))
        return functional.conv2d(channels_last(x), self.weight.unsqueeze(2), self.bias, stride, padding).squeeze(2)


class ConvTranspose1d(nn.ConvTranspose1d):
    """nn.ConvTranspose1d in the layout of Conv1d."""

    def forward(self, x: Tensor, output_size: list[int] | None = None) -> Tensor:
        if x.device.type != "cpu":
            return super().forward(x, output_size)
        stride, padding, beyond = (1, self.stride[0]), (0, int(self.padding[0])), (0, self.output_padding[0])
        return functional.conv_transpose2d(channels_last(x), self.weight.unsqueeze(2), self.bias, stride, padding, beyond).squeeze(2)


class GroupNorm(nn.GroupNorm):
    """nn.GroupNorm in the layout of Conv1d."""

    def forward(self, x: Tensor) -> Tensor:
        if x.device.type != "cpu":
            return super().forward(x)
        return super().forward(channels_last(x)).squeeze(2)


def channels_last(x: Tensor) -> Tensor:
    """(B, C, T) -> (B, C, 1, T) whose channels lie side by side; without a copy where they do already."""
    return x.unsqueeze(2).contiguous(memory_format=torch.channels_last)


class LogSNREmbedding(nn.Module):
    """Log SNR (B,) -> (B, width): sines and cosines of log SNR at frequencies from 0.02 to 20 radians a unit, then a linear layer."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.waves = width // 2
        self.linear = nn.Linear(2 * self.waves, width)

    def forward(self, log_snr: Tensor) -> Tensor:
        frequencies = torch.linspace(math.log(0.02), math.log(20.0), self.waves, dtype=torch.float64, device=log_snr.device).exp()
        angles = log_snr.float()[:, None] * frequencies.float()
        embedded: Tensor = self.linear(torch.cat([angles.sin(), angles.cos()], 1).to(self.linear.weight.dtype))
        return embedded


class PositionNorm(nn.Module):
    """(B, C, T) divided by the root mean square over C of each position, times a weight for each channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))

    def forward(self, x: Tensor) -> Tensor:
        scale = torch.rsqrt(x.float().square().mean(1, keepdim=True) + 1e-6).to(x.dtype)
        return x * scale * self.weight[:, None]


def make_norm(kind: str, channels: int, groups: int) -> nn.Module:
    """GroupNorm with the most groups that divide both `groups` and the channels, or PositionNorm."""
    return PositionNorm(channels) if kind == "position" else GroupNorm(math.gcd(groups, channels), channels)


class Attention(nn.Module):
    """Multi-head attention with a residual feed-forward of hidden size `hidden` (paper appendix B), normalised before each.

    With `text_width` keys and values come from text, otherwise from x itself. Output layers start at zero. No position is encoded:
    the convolutions around it have seen where the borders are.
    """

    def __init__(self, channels: int, heads: int, hidden: int, text_width: int | None = None) -> None:
        super().__init__()
        self.heads = heads
        self.norm = nn.LayerNorm(channels)
        self.query = nn.Linear(channels, channels, bias=False)
        self.key_value = nn.Linear(text_width or channels, 2 * channels, bias=False)
        self.out = zeroed(nn.Linear(channels, channels))
        self.feed_forward = nn.Sequential(
            nn.LayerNorm(channels), nn.Linear(channels, hidden), nn.GELU(approximate="tanh"), zeroed(nn.Linear(hidden, channels))
        )

    def forward(self, x: Tensor, text: Tensor | None = None, mask: Tensor | None = None, present: Tensor | None = None) -> Tensor:
        """x (B, C, T), text (B, N, text_width), mask (B, N) bool -> (B, C, T).

        present (B,): 0 for rows whose text was dropped; the whole layer adds nothing to them (paper section 3.5).
        """
        sequence = x.transpose(1, 2)
        normed = self.norm(sequence)
        query = self._split(self.query(normed))
        key, value = map(self._split, self.key_value(normed if text is None else text).chunk(2, -1))
        bias = None if mask is None else mask[:, None, None, :]
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
        change = self.out(attended.transpose(1, 2).flatten(2))
        change = change + self.feed_forward(sequence + change)
        if present is not None:
            change = change * present[:, None, None]
        changed: Tensor = x + change.transpose(1, 2)
        return changed

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:-1], self.heads, -1).transpose(1, 2)


def zero_conv(channels_in: int, channels_out: int, kernel: int) -> Conv1d:
    """A convolution of an odd kernel that keeps the length and starts at zero."""
    return zeroed(Conv1d(channels_in, channels_out, kernel, padding=kernel // 2))


def zeroed(layer: Layer) -> Layer:
    """The layer with all its parameters at zero."""
    for parameter in layer.parameters():
        nn.init.zeros_(parameter)
    return layer
