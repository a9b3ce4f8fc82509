"""A faster forward pass of a ClapModel's audio tower, with transformers' weights and results.

HTSAT (arXiv 2202.00874) is a Swin transformer over a spectrogram folded into a square. Here the tokens of a stage stay in the order of its
attention windows, so a plain block moves no data and a shifted one is a single gather. Query, key and value are one matrix product.
Weights, relative position bias and the mask of shifted windows are laid out once, at loading.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch.nn import functional
from transformers import ClapModel

from noise2music.core.errors import UserError

# A linear layer for repeated use on a CPU: its weights are packed once for oneDNN's matrix product, with the GELU fused in. That is
# 1.1 to 1.3 times as fast as torch.nn.functional.linear, which packs them at every call (AVX2, measured on HTSAT's shapes). The
# operator is the one that torch.compile emits; where torch has none, plain layers are used.


class PackedLinear:
    """x (..., inputs) float32 -> x @ weight.T + bias (..., outputs), through an exact GELU if `gelu`.

    `rows`: how many rows x usually has; it decides the layout, not the result's meaning.
    """

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor | None, rows: int, gelu: bool = False) -> None:
        self._bias = bias
        self._gelu = gelu
        self._packed = weight.device.type == "cpu" and _has_packed_product()
        self._weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), rows) if self._packed else weight

    def __call__(self, inputs: torch.Tensor) -> torch.Tensor:
        if self._packed:
            after = "gelu" if self._gelu else "none"
            product: torch.Tensor = torch.ops.mkldnn._linear_pointwise(inputs, self._weight, self._bias, after, [], "none")
            return product
        product = functional.linear(inputs, self._weight, self._bias)
        return functional.gelu(product) if self._gelu else product


def _has_packed_product() -> bool:
    return bool(torch.backends.mkldnn.is_available()) and all(  # type: ignore[no-untyped-call]
        hasattr(torch.ops.mkldnn, name) for name in ("_linear_pointwise", "_reorder_linear_weight")
    )


@dataclass(frozen=True)
class _Block:
    """One Swin block. `bias` (1 or windows, heads, tokens, tokens) is added to the scores. `order` and `back`: see `_shift`."""

    norm1: torch.nn.LayerNorm
    qkv: PackedLinear
    bias: torch.Tensor
    order: torch.Tensor | None
    back: torch.Tensor | None
    project: PackedLinear
    norm2: torch.nn.LayerNorm
    widen: PackedLinear
    narrow: PackedLinear


@dataclass(frozen=True)
class _Merge:
    """From one stage to the next. `four` (tokens / 4, 4): the neighbours that become one token."""

    four: torch.Tensor
    norm: torch.nn.LayerNorm
    reduce: PackedLinear


@dataclass(frozen=True)
class _Stage:
    """Blocks on one grid of tokens, in attention windows of `side` x `side`."""

    side: int
    heads: int
    blocks: tuple[_Block, ...]
    merge: _Merge | None


class AudioTower:
    """(batch, 1, frames, mels) in dB -> (batch, projection) unit rows, as ClapModel.get_audio_features gives for short audio."""

    def __init__(self, model: ClapModel) -> None:
        """`model` is in evaluation mode and on its device, where it stays. Raises UserError where it is not laid out as HTSAT is."""
        if model.config.audio_config.hidden_act != "gelu":
            raise UserError(f"an HTSAT audio tower with {model.config.audio_config.hidden_act} in place of GELU is not supported")
        self._encoder = model.audio_model.audio_encoder
        self._projection = model.audio_projection
        grids = self._encoder.input_resolutions
        window = int(self._encoder.config.window_size)
        with torch.device(model.device), torch.inference_mode():
            self._enter = _window_order(grids[0], _side(grids[0], window), 0)
            self._stages = tuple(
                _lay_out(stage, grid, grids[number + 1] if number + 1 < len(grids) else None, window)
                for number, (stage, grid) in enumerate(zip(self._encoder.layers, grids, strict=True))
            )

    def __call__(self, spectrograms: torch.Tensor) -> torch.Tensor:
        encoder = self._encoder
        normal = encoder.batch_norm(spectrograms.transpose(1, 3)).transpose(1, 3)
        # No window counts as longer than the model's, so a fusion model leaves its local channels aside.
        nothing_longer = torch.zeros(0, dtype=torch.long, device=spectrograms.device)
        tokens = encoder.patch_embed(encoder.reshape_mel2img(normal), nothing_longer)
        tokens = tokens[:, self._enter]
        for stage in self._stages:
            tokens = _run_stage(stage, tokens)
        pooled = encoder.norm(tokens).mean(dim=1)
        return functional.normalize(self._projection(pooled), dim=-1)


def _run_stage(stage: _Stage, tokens: torch.Tensor) -> torch.Tensor:
    for block in stage.blocks:
        tokens = tokens + _attend(stage, block, tokens)
        tokens = tokens + block.narrow(block.widen(block.norm2(tokens)))
    if stage.merge is None:
        return tokens
    batch, _, channels = tokens.shape
    merged = tokens[:, stage.merge.four.reshape(-1)].view(batch, -1, 4 * channels)
    return stage.merge.reduce(stage.merge.norm(merged))


def _attend(stage: _Stage, block: _Block, tokens: torch.Tensor) -> torch.Tensor:
    batch, count, channels = tokens.shape
    size = stage.side**2
    normal = block.norm1(tokens)
    if block.order is not None:
        normal = normal[:, block.order]
    query, key, value = block.qkv(normal).view(batch * count // size, size, 3, stage.heads, channels // stage.heads).permute(2, 0, 3, 1, 4)
    bias = block.bias if len(block.bias) == 1 or batch == 1 else block.bias.repeat(batch, 1, 1, 1)
    attention_output = functional.scaled_dot_product_attention(query, key, value, attn_mask=bias)
    projected = block.project(attention_output.transpose(1, 2).reshape(batch, count, channels))
    return projected if block.back is None else projected[:, block.back]


def _lay_out(stage: Any, grid: tuple[int, int], below: tuple[int, int] | None, window: int) -> _Stage:
    side = _side(grid, window)
    order = _window_order(grid, side, 0)
    rank = torch.empty_like(order)
    rank[order] = torch.arange(len(order))
    heads = stage.blocks[0].attention.self.num_attention_heads
    blocks = tuple(_block(block, grid, side, rank) for block in stage.blocks)
    if below is None or stage.downsample is None:
        return _Stage(side, heads, blocks, None)
    rows, columns = grid
    cell = torch.arange(rows * columns).view(rows, columns)
    four = torch.stack([cell[row::2, column::2].reshape(-1) for column in range(2) for row in range(2)], dim=1)
    four = rank[four][_window_order(below, _side(below, window), 0)]
    return _Stage(side, heads, blocks, _Merge(four, stage.downsample.norm, _packed(stage.downsample.reduction, len(four))))


def _block(block: Any, grid: tuple[int, int], side: int, rank: torch.Tensor) -> _Block:
    attention = block.attention.self
    shift = int(block.shift_size) if min(grid) > side else 0
    bias = _relative_bias(attention, side)
    order = back = None
    if shift:
        shifted = _window_order(grid, side, shift)
        order = rank[shifted]
        back = torch.empty_like(order)
        back[order] = torch.arange(len(order))
        bias = bias + _shift_mask(grid, side, shift)[:, None]
    parts = (attention.query, attention.key, attention.value)
    qkv_bias = None if attention.query.bias is None else torch.cat([part.bias for part in parts])
    rows = len(rank)
    return _Block(
        block.layernorm_before,
        PackedLinear(torch.cat([part.weight for part in parts]), qkv_bias, rows),
        bias.contiguous(),
        order,
        back,
        _packed(block.attention.output.dense, rows),
        block.layernorm_after,
        _packed(block.intermediate.dense, rows, gelu=True),
        _packed(block.output.dense, rows),
    )


def _packed(linear: torch.nn.Linear, rows: int, gelu: bool = False) -> PackedLinear:
    return PackedLinear(linear.weight, linear.bias, rows, gelu)


def _side(grid: tuple[int, int], window: int) -> int:
    """The side of an attention window on a grid of tokens: the whole of a small grid."""
    side = min(window, *grid)
    if grid[0] % side or grid[1] % side:
        raise UserError(f"an HTSAT audio tower whose grid of {grid} tokens is not made of windows of {side} is not supported")
    return side


def _window_order(grid: tuple[int, int], side: int, shift: int) -> torch.Tensor:
    """(tokens,) row-major cells of the grid, window by window, once the grid is rolled back by `shift` in both directions."""
    rows, columns = grid
    cell = torch.arange(rows * columns).view(rows, columns).roll((-shift, -shift), (0, 1))
    return cell.view(rows // side, side, columns // side, side).transpose(1, 2).reshape(-1)


def _relative_bias(attention: Any, side: int) -> torch.Tensor:
    """(1, heads, side^2, side^2): the learned bias of each pair of tokens of a window, by their distance."""
    table, index = attention.relative_position_bias_table, attention.relative_position_index
    if index.shape[0] != side * side:
        raise UserError(
            f"an HTSAT audio tower with relative positions of {index.shape[0]} tokens in a window of {side**2} is not supported"
        )
    bias: torch.Tensor = table[index.reshape(-1)].view(side * side, side * side, -1).permute(2, 0, 1)[None]
    return bias


def _shift_mask(grid: tuple[int, int], side: int, shift: int) -> torch.Tensor:
    """(windows, side^2, side^2): -100 between tokens that only the roll made neighbours."""
    strip = [torch.bucketize(torch.arange(length), torch.tensor([length - side, length - shift]), right=True) for length in grid]
    region = strip[0][:, None] * 3 + strip[1][None, :]
    order = _window_order(grid, side, 0)
    region = region.reshape(-1)[order].view(-1, side * side)
    return torch.where(region[:, :, None] == region[:, None, :], 0.0, -100.0)
