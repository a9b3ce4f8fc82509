"""The shape of a U-Net: every number that its parameters depend on (paper table 8)."""

from dataclasses import dataclass
from math import prod
from typing import Annotated, Literal

from pydantic import Field


@dataclass(frozen=True)
class UNetShape:
    """`strides`, `multipliers`, `blocks`, `self_attention` and `cross_attention` hold one value a depth, from the top of the U downward.

    local_cond_channels: of a condition that is added at the bottom of the U; 0 for none. noise_level_cond: whether the network sees the log
    SNR of the noise that augments its condition.

    variant: the paper's parameter counts fit two variants of its text. "bottom_once": the blocks of the deepest level exist once, the up
    side runs at the width of its depth, resampling kernels are 2 S + 1 long for a stride of S. "up_width": blocks of the up side run
    after the upsampling, at the narrower width; kernels are `kernel` going down and 2 S going up, and the feed-forward beside
    cross-attention is 4 C wide instead of 2 C.

    norm: "group" is GroupNorm over channels and time (the paper's), in as many groups as divide both `groups` and the width. "position"
    divides each position by the root mean square of its channels. Then nothing depends on how much of a recording the network sees, and
    a stage without self-attention makes the same audio in pieces as in one.

    mask_channels: of the mask over the spectrum of x (models.network.spectral_mask); 0 for none, as in the paper. A position at depth
    `mask_depth` on the way up belongs to one frame of the mask.

    Aliases are the names of these numbers in files of weights, which stay as they are.
    """

    channels_in: int
    channels_out: int
    width: int
    kernel: int
    strides: tuple[int, ...]
    multipliers: tuple[int, ...]
    blocks: tuple[int, ...]
    self_attention: tuple[bool, ...]
    cross_attention: tuple[bool, ...]
    heads: int = 8
    text_width: int = 0
    local_cond_channels: Annotated[int, Field(alias="aligned_channels")] = 0
    noise_level_cond: Annotated[bool, Field(alias="told_level")] = False
    variant: Annotated[Literal["bottom_once", "up_width"], Field(alias="reading")] = "bottom_once"
    norm: Literal["group", "position"] = "group"
    groups: int = 32
    mask_channels: int = 0
    mask_depth: int = 0

    def __post_init__(self) -> None:
        depths = {len(self.strides), len(self.multipliers), len(self.blocks), len(self.self_attention), len(self.cross_attention)}
        if len(depths) != 1 or not self.strides:
            raise ValueError(f"a U-Net needs one value a depth in each list; the lengths are {sorted(depths)}")
        if self.kernel % 2 == 0 or (self.variant == "up_width" and self.kernel < max(self.strides)):
            raise ValueError(f"the kernel must be odd, and with up_width at least the largest stride; it is {self.kernel}")
        if any(self.cross_attention) and not self.text_width:
            raise ValueError("cross-attention needs text_width, the size of the text encoder's embeddings")
        if self.mask_channels and (self.channels_out != 1 or self.variant == "up_width" or not 0 <= self.mask_depth < len(self.strides)):
            raise ValueError("a mask needs one channel out, the variant bottom_once and a depth that exists")
        above = (self.width, *self.widths[:-1]) if self.variant == "up_width" else self.widths
        for depth, attends in enumerate(zip(self.self_attention, self.cross_attention, strict=True)):
            for width in (self.widths[depth], above[depth]):
                if any(attends) and width % self.heads:
                    raise ValueError(f"{self.heads} heads do not divide a width of {width}")

    @property
    def widths(self) -> tuple[int, ...]:
        """Channels at each depth."""
        return tuple(self.width * multiplier for multiplier in self.multipliers)

    @property
    def stride(self) -> int:
        """Positions of the input for one position at the bottom."""
        return prod(self.strides)

    @property
    def hop(self) -> int:
        """Positions of the input from one frame of the mask to the next."""
        return prod(self.strides[: self.mask_depth + 1])

    @property
    def local(self) -> bool:
        """Whether an output depends on its neighbourhood and the text only: no self-attention and no statistics over time."""
        return self.norm == "position" and not any(self.self_attention)
