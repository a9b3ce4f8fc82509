"""The 1-D Efficient U-Net (paper section 4.1, appendix B, figure 1)."""

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.network.block import Block
from noise2music.models.network.layers import Conv1d, ConvTranspose1d, LambdaEmbedding, zero_conv
from noise2music.models.network.shape import UNetShape
from noise2music.models.network.spectral_mask import SpectralMask


class UNet(nn.Module):
    """network(x, lambda, inputs) -> what the network predicts of x, in the shape of x.

    Strided convolutions go down, transposed ones up; skips are added after each upsampling. Lengths that the stride does not divide are
    padded with zeros at the end and cropped. x is (B, C, T), lambda (B,).

    Args:
        shape: widths, depths and what the network is told.

    Source: arXiv 2302.03917, section 4.1 and figure 1.
    """

    def __init__(self, shape: UNetShape) -> None:
        super().__init__()
        self.shape = shape
        self.recomputed: Collection[int] = ()
        """Depths whose blocks forget their activations and compute them again in the backward pass."""
        widths, strides = shape.widths, shape.strides
        above = (shape.width, *widths[:-1])
        depths = range(len(strides))
        narrow = shape.reading == "up_width"
        self.entry = Conv1d(shape.channels_in, shape.width, 3, padding=1)
        self.time = LambdaEmbedding(shape.width)
        self.level = LambdaEmbedding(shape.width) if shape.told_level else None
        self.text_norm = nn.LayerNorm(shape.text_width) if any(shape.cross_attention) else None
        self.aligned = Conv1d(shape.aligned_channels, widths[-1], 1) if shape.aligned_channels else None
        self.down = nn.ModuleList(_down(above[depth], widths[depth], strides[depth], shape) for depth in depths)
        self.down_blocks = nn.ModuleList(_blocks(shape, widths[depth], depth) for depth in depths)
        self.up = nn.ModuleList(_up(widths[depth], above[depth], strides[depth], shape) for depth in depths)
        self.up_blocks = nn.ModuleList(
            _blocks(shape, above[depth] if narrow else widths[depth], depth) if narrow or depth < depths[-1] else nn.ModuleList()
            for depth in depths
        )
        self.exit = zero_conv(shape.width, shape.channels_out, 3)
        self.spectral_mask = (
            SpectralMask(shape.hop, shape.mask_channels, widths[shape.mask_depth], shape.width) if shape.mask_channels else None
        )

    def forward(self, x: Tensor, lam: Tensor, inputs: Inputs) -> Tensor:
        """x (B, channels, T), lambda (B,) -> (B, channels_out, T). Raises ValueError where inputs do not fit the shape of the network."""
        length = x.shape[-1]
        self._check(x, inputs)
        stacked = x if inputs.stacked is None else torch.cat([x, inputs.stacked], 1)
        padded = functional.pad(stacked, (0, -length % self.shape.stride))
        x = self.entry(padded)
        time = self.time(lam)
        if self.level is not None:
            level = lam.new_full((len(x),), 20.0) if inputs.level is None else inputs.level
            time = time + self.level(level)
        text, mask, present = self._text(inputs)
        skips = []
        for depth, (down, blocks) in enumerate(zip(self.down, self.down_blocks, strict=True)):
            skips.append(x)
            x = self._run(depth, blocks, down(x), time, text, mask, present)
        if self.aligned is not None:
            x = x + self.aligned(functional.pad(inputs.aligned, (0, x.shape[-1] - inputs.aligned.shape[-1])))  # type: ignore[union-attr, arg-type]
        for depth in reversed(range(len(self.up))):
            if self.shape.reading == "up_width":
                x = self._run(depth, self.up_blocks[depth], self.up[depth](x) + skips[depth], time, text, mask, present)
            else:
                x = self._run(depth, self.up_blocks[depth], x, time, text, mask, present)
                if self.spectral_mask is not None and depth == self.shape.mask_depth:
                    masked = self.spectral_mask(padded[:, :1], lam, time, x)
                x = self.up[depth](x) + skips[depth]
        output: Tensor = self.exit(x)
        if self.spectral_mask is not None:
            output = output + masked
        return output[..., :length]

    def _run(
        self, depth: int, blocks: nn.Module, x: Tensor, time: Tensor, text: Tensor | None, mask: Tensor | None, present: Tensor | None
    ) -> Tensor:
        for block in blocks.children():
            if depth in self.recomputed and torch.is_grad_enabled():
                x = checkpoint(block, x, time, text, mask, present, use_reentrant=False)
            else:
                x = block(x, time, text, mask, present)
        return x

    def _text(self, inputs: Inputs) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Normalised text, the mask, and 1 for each row that has text. A row without text attends to padding, and its output counts 0."""
        if self.text_norm is None or inputs.text is None or inputs.text_mask is None:
            return None, None, None
        has_text = inputs.text_mask.any(1)
        text = self.text_norm(inputs.text)
        return text, inputs.text_mask | ~has_text[:, None], has_text.to(text.dtype)

    def _check(self, x: Tensor, inputs: Inputs) -> None:
        stacked = 0 if inputs.stacked is None else inputs.stacked.shape[1]
        if x.shape[1] + stacked != self.shape.channels_in:
            raise ValueError(f"the network reads {self.shape.channels_in} channels, not {x.shape[1]} with {stacked} stacked on them")
        if inputs.stacked is not None and inputs.stacked.shape[-1] != x.shape[-1]:
            raise ValueError(f"a stacked input is as long as x, {x.shape[-1]} positions, not {inputs.stacked.shape[-1]}")
        if (self.aligned is None) != (inputs.aligned is None):
            raise ValueError("the network needs an aligned input" if self.aligned is not None else "the network takes no aligned input")
        if inputs.aligned is not None and inputs.aligned.shape[-1] != -(-x.shape[-1] // self.shape.stride):
            expected = -(-x.shape[-1] // self.shape.stride)
            raise ValueError(f"an aligned input for {x.shape[-1]} positions has {expected} frames, not {inputs.aligned.shape[-1]}")
        if (inputs.text is None) != (inputs.text_mask is None):
            raise ValueError("text and text_mask go together")
        if self.text_norm is not None and inputs.text is not None and inputs.text.shape[-1] != self.shape.text_width:
            raise ValueError(f"the network reads text embeddings {self.shape.text_width} wide, not {inputs.text.shape[-1]}")


def _blocks(shape: UNetShape, channels: int, depth: int) -> nn.ModuleList:
    return nn.ModuleList(Block(shape, channels, depth) for _ in range(shape.blocks[depth]))


def _down(channels_in: int, channels_out: int, stride: int, shape: UNetShape) -> Conv1d:
    """(B, C, T) -> (B, C', T / stride), centred."""
    kernel = 2 * stride + 1 if shape.reading == "bottom_once" else shape.kernel
    return Conv1d(channels_in, channels_out, kernel, stride, padding=kernel // 2)


def _up(channels_in: int, channels_out: int, stride: int, shape: UNetShape) -> ConvTranspose1d:
    """(B, C, T) -> (B, C', T stride), centred."""
    if shape.reading == "bottom_once":
        return ConvTranspose1d(channels_in, channels_out, 2 * stride + 1, stride, padding=stride, output_padding=stride - 1)
    return ConvTranspose1d(channels_in, channels_out, 2 * stride, stride, padding=-(-stride // 2), output_padding=stride % 2)
