"""The 1-D Efficient U-Net (paper section 4.1, appendix B, figure 1)."""

from collections.abc import Collection

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.diffusion.schedule import LIMIT
from noise2music.models.network.block import Block
from noise2music.models.network.layers import Conv1d, ConvTranspose1d, LogSNREmbedding, zero_conv
from noise2music.models.network.shape import UNetShape
from noise2music.models.network.spectral_mask import SpectralMask


class UNet(nn.Module):
    """The network of every stage: `network(x, log_snr, inputs)` is its prediction for x.

    Strided convolutions go down, transposed ones up; skips are added after each upsampling. A length that the stride does not divide is
    padded with zeros at the end, and the output is cropped.

    Args:
        shape: widths, depths, attention and conditions (`n2m.stage(preset, name).unet`).

    Source: arXiv 2302.03917, section 4.1, table 8 and figure 1.
    """

    def __init__(self, shape: UNetShape) -> None:
        super().__init__()
        self.shape = shape
        self.checkpointed: Collection[int] = ()
        """Depths whose blocks forget their activations and compute them again in the backward pass (activation checkpointing)."""
        widths, strides = shape.widths, shape.strides
        above = (shape.width, *widths[:-1])
        depths = range(len(strides))
        narrow = shape.variant == "up_width"
        self.entry = Conv1d(shape.channels_in, shape.width, 3, padding=1)
        self.time = LogSNREmbedding(shape.width)
        # `level`, `aligned` and all names of modules are keys in files of weights: a new name here would need a map from the old.
        self.level = LogSNREmbedding(shape.width) if shape.noise_level_cond else None
        self.text_norm = nn.LayerNorm(shape.text_width) if any(shape.cross_attention) else None
        self.aligned = Conv1d(shape.local_cond_channels, widths[-1], 1) if shape.local_cond_channels else None
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

    def forward(self, x: Tensor, log_snr: Tensor, inputs: Inputs) -> Tensor:
        """The network's prediction (eps, x0, v or flow, as its stage says).

        Args:
            x: (B, C, T), noisy data in network units.
            log_snr: (B,), ln(alpha^2 / sigma^2) of its noise.
            inputs: conditions; each tensor has the batch size B.

        Returns:
            (B, channels_out, T).

        Raises:
            ValueError: the inputs do not fit the shape of the network.
        """
        length = x.shape[-1]
        self._check(x, inputs)
        entering = x if inputs.concat_cond is None else torch.cat([x, inputs.concat_cond], 1)
        padded = functional.pad(entering, (0, -length % self.shape.stride))
        x = self.entry(padded)
        time = self.time(log_snr)
        if self.level is not None:
            # Without augmentation the condition is clean, which is the upper end of the log SNR.
            aug_log_snr = log_snr.new_full((len(x),), LIMIT) if inputs.aug_log_snr is None else inputs.aug_log_snr
            time = time + self.level(aug_log_snr)
        text, mask, present = self._text(inputs)
        skips = []
        for depth, (down, blocks) in enumerate(zip(self.down, self.down_blocks, strict=True)):
            skips.append(x)
            x = self._run(depth, blocks, down(x), time, text, mask, present)
        if self.aligned is not None:
            x = x + self.aligned(functional.pad(inputs.local_cond, (0, x.shape[-1] - inputs.local_cond.shape[-1])))  # type: ignore[union-attr, arg-type]
        for depth in reversed(range(len(self.up))):
            if self.shape.variant == "up_width":
                x = self._run(depth, self.up_blocks[depth], self.up[depth](x) + skips[depth], time, text, mask, present)
            else:
                x = self._run(depth, self.up_blocks[depth], x, time, text, mask, present)
                if self.spectral_mask is not None and depth == self.shape.mask_depth:
                    masked = self.spectral_mask(padded[:, :1], log_snr, time, x)
                x = self.up[depth](x) + skips[depth]
        output: Tensor = self.exit(x)
        if self.spectral_mask is not None:
            output = output + masked
        return output[..., :length]

    def _run(
        self, depth: int, blocks: nn.Module, x: Tensor, time: Tensor, text: Tensor | None, mask: Tensor | None, present: Tensor | None
    ) -> Tensor:
        for block in blocks.children():
            if depth in self.checkpointed and torch.is_grad_enabled():
                x = checkpoint(block, x, time, text, mask, present, use_reentrant=False)
            else:
                x = block(x, time, text, mask, present)
        return x

    def _text(self, inputs: Inputs) -> tuple[Tensor | None, Tensor | None, Tensor | None]:
        """Normalised text, its mask, and (B,) 1 for rows with text, 0 for others. A row without text attends to padding, and counts 0."""
        if self.text_norm is None or inputs.text is None or inputs.text_mask is None:
            return None, None, None
        has_text = inputs.text_mask.any(1)
        text = self.text_norm(inputs.text)
        return text, inputs.text_mask | ~has_text[:, None], has_text.to(text.dtype)

    def _check(self, x: Tensor, inputs: Inputs) -> None:
        concat, local = inputs.concat_cond, inputs.local_cond
        channels = 0 if concat is None else concat.shape[1]
        if x.shape[1] + channels != self.shape.channels_in:
            raise ValueError(f"the network reads {self.shape.channels_in} channels, not {x.shape[1]} with {channels} of concat_cond")
        if concat is not None and concat.shape[-1] != x.shape[-1]:
            raise ValueError(f"concat_cond is as long as x, {x.shape[-1]} positions, not {concat.shape[-1]}")
        if (self.aligned is None) != (local is None):
            raise ValueError("the network needs local_cond" if self.aligned is not None else "the network takes no local_cond")
        if local is not None and local.shape[-1] != -(-x.shape[-1] // self.shape.stride):
            expected = -(-x.shape[-1] // self.shape.stride)
            raise ValueError(f"local_cond for {x.shape[-1]} positions has {expected} frames, not {local.shape[-1]}")
        if (inputs.text is None) != (inputs.text_mask is None):
            raise ValueError("text and text_mask go together")
        if self.text_norm is not None and inputs.text is not None and inputs.text.shape[-1] != self.shape.text_width:
            raise ValueError(f"the network reads text embeddings {self.shape.text_width} wide, not {inputs.text.shape[-1]}")


def _blocks(shape: UNetShape, channels: int, depth: int) -> nn.ModuleList:
    return nn.ModuleList(Block(shape, channels, depth) for _ in range(shape.blocks[depth]))


def _down(channels_in: int, channels_out: int, stride: int, shape: UNetShape) -> Conv1d:
    """(B, C, T) -> (B, C', T / stride), centred."""
    kernel = 2 * stride + 1 if shape.variant == "bottom_once" else shape.kernel
    return Conv1d(channels_in, channels_out, kernel, stride, padding=kernel // 2)


def _up(channels_in: int, channels_out: int, stride: int, shape: UNetShape) -> ConvTranspose1d:
    """(B, C, T) -> (B, C', T stride), centred."""
    if shape.variant == "bottom_once":
        return ConvTranspose1d(channels_in, channels_out, 2 * stride + 1, stride, padding=stride, output_padding=stride - 1)
    return ConvTranspose1d(channels_in, channels_out, 2 * stride, stride, padding=-(-stride // 2), output_padding=stride % 2)
