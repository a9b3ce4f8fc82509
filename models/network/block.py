"""The block of the Efficient U-Net (paper figure 5)."""

from torch import Tensor, nn
from torch.nn import functional

from noise2music.models.network.layers import Attention, Conv1d, make_norm, zero_conv
from noise2music.models.network.shape import UNetShape


class Block(nn.Module):
    """CombineEmb -> [(norm, swish, convolution) x 2 + shortcut] -> self-attention -> cross-attention.

    CombineEmb scales and shifts each channel by a linear function of the time embedding; the shortcut starts after it. Which attentions
    there are depends on `depth`.
    """

    def __init__(self, shape: UNetShape, channels: int, depth: int) -> None:
        super().__init__()
        self.combine = nn.Linear(shape.width, 2 * channels)
        nn.init.zeros_(self.combine.bias)
        self.norm_1 = make_norm(shape.norm, channels, shape.groups)
        self.conv_1 = Conv1d(channels, channels, shape.kernel, padding=shape.kernel // 2)
        self.norm_2 = make_norm(shape.norm, channels, shape.groups)
        self.conv_2 = zero_conv(channels, channels, shape.kernel)
        self.shortcut = Conv1d(channels, channels, 1)
        nn.init.dirac_(self.shortcut.weight)
        wide = 4 if shape.variant == "up_width" else 2
        self.self_attention = Attention(channels, shape.heads, 2 * channels) if shape.self_attention[depth] else None
        self.cross_attention = Attention(channels, shape.heads, wide * channels, shape.text_width) if shape.cross_attention[depth] else None

    def forward(self, x: Tensor, time: Tensor, text: Tensor | None, mask: Tensor | None, present: Tensor | None) -> Tensor:
        """x (B, C, T), time (B, width) -> (B, C, T). Without text cross-attention is skipped."""
        scale, shift = self.combine(time)[:, :, None].chunk(2, 1)
        x = x * (1 + scale) + shift
        hidden = self.conv_1(functional.silu(self.norm_1(x)))
        x = self.shortcut(x) + self.conv_2(functional.silu(self.norm_2(hidden)))
        if self.self_attention is not None:
            x = self.self_attention(x)
        if self.cross_attention is not None and text is not None:
            x = self.cross_attention(x, text, mask, present)
        return x
