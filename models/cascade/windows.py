"""A network for signals longer than it takes at once: overlapping windows, joined at every call.

All windows go through the noise levels together. So where two overlap they see one signal and agree on it (MultiDiffusion, Bar-Tal et al.
2023). With a network whose outputs depend on their neighbourhood alone (UNetShape.local), the result is that of one window over all, up to
rounding, when no output is used that lies nearer to an inner edge than the network reaches.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import torch
from torch import Tensor

from noise2music.models.diffusion.denoiser import Network
from noise2music.models.diffusion.inputs import Inputs
from noise2music.models.network.shape import UNetShape
from noise2music.models.network.spectral_mask import mask_reach


@dataclass(frozen=True)
class Window:
    """Positions [start, end) of a signal. The weight of the network's output there goes from 0 to 1 over `rise` and back to 0 over `fall`,
    both [from, to); it is 1 in between and 0 outside. Where one window falls the next one rises: their weights add up to 1.
    """

    start: int
    end: int
    rise: tuple[int, int]
    fall: tuple[int, int]

    def weight(self) -> Tensor:
        """(fall[1] - rise[0],), in [0, 1]: the weights of the positions from rise[0] to fall[1]."""
        places = torch.arange(self.rise[0], self.fall[1], dtype=torch.float64) + 0.5
        rising = (places - self.rise[0]) / max(0.5, self.rise[1] - self.rise[0])
        falling = (places - self.fall[0]) / max(0.5, self.fall[1] - self.fall[0])
        return torch.where(places < self.fall[0], rising.clamp(max=1.0), 1.0 - falling).float()


def windows(total: int, length: int, overlap: int, halo: int, stride: int) -> tuple[Window, ...]:
    """Windows of at most `length` positions over [0, total), evenly spread, neighbours sharing at least `overlap`, of which the `halo`
    at each inner edge does not count. Starts are multiples of the stride product, so that every window is strided as the whole is.

    Raises ValueError where the numbers leave nothing to count.
    """
    if total <= length:
        return (Window(0, total, (0, 0), (total, total)),)
    hop = (length - overlap) // stride * stride
    if hop <= 0 or overlap <= 2 * halo:
        raise ValueError(f"windows of {length} with an overlap of {overlap} and a halo of {halo} do not advance by a stride of {stride}")
    last = -(-(total - length) // stride)
    number = -(-last * stride // hop) + 1
    starts = [last * place // (number - 1) * stride for place in range(number)]
    ends = [*(start + length for start in starts[:-1]), total]
    closest = min(later - start for start, later in pairwise(starts))
    joints = [(0, 0)]
    for start, end in zip(starts[1:], ends, strict=False):
        fade = min(end - start - 2 * halo, overlap - 2 * halo, closest)
        first = (start + end - fade) // 2
        joints.append((first, first + fade))
    joints.append((total, total))
    return tuple(Window(start, end, *joint) for start, end, joint in zip(starts, ends, pairwise(joints), strict=True))


def windowed(network: Network, over: Sequence[Window], stride: int) -> Network:
    """The same network, working on one window after the other."""
    if len(over) == 1:
        return network

    def joined(x: Tensor, log_snr: Tensor, inputs: Inputs) -> Tensor:
        output = torch.zeros_like(x)
        for window in over:
            part = network(x[..., window.start : window.end], log_snr, _within(inputs, window, stride))
            first, last = window.rise[0], window.fall[1]
            output[..., first:last] += part[..., first - window.start : last - window.start] * window.weight().to(x)
        return output

    return joined


def reach(shape: UNetShape) -> int:
    """How many positions to either side an output of a `local` network may depend on, rounded up to the stride product."""
    radius, scale = 2 * (shape.kernel // 2), 1
    for depth, (stride, blocks) in enumerate(zip(shape.strides, shape.blocks, strict=True)):
        radius += 2 * (stride + 1) * scale
        deepest = depth == len(shape.strides) - 1
        scale *= stride
        sides = 1 if deepest and shape.variant == "bottom_once" else 2
        radius += sides * blocks * 2 * (shape.kernel // 2) * scale
    if shape.mask_channels:
        radius += mask_reach(shape.hop)
    return -(-(radius + scale) // shape.stride) * shape.stride


def _within(inputs: Inputs, window: Window, stride: int) -> Inputs:
    """The inputs of the positions of a window."""
    concat_cond = None if inputs.concat_cond is None else inputs.concat_cond[..., window.start : window.end]
    local_cond = None if inputs.local_cond is None else inputs.local_cond[..., window.start // stride : -(-window.end // stride)]
    return replace(inputs, concat_cond=concat_cond, local_cond=local_cond)
