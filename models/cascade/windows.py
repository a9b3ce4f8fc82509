"""A denoiser for signals longer than the network is given at once: overlapping windows, each denoised, joined at every step.

All windows walk through the noise levels together, so that where two overlap they see one signal and agree on it (MultiDiffusion,
Bar-Tal et al. 2023). For a network whose outputs depend on their neighbourhood alone (UNetShape.local) the result is that of one window
over all, up to rounding, when no output is used that stands nearer to an inner edge than the network reaches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from models.diffusion.denoiser import Denoiser
from models.network.shape import UNetShape


@dataclass(frozen=True)
class Window:
    """Positions [start, end) of a signal. Its estimate counts from `first` to `last`, rising and falling over `fade` positions there."""

    start: int
    end: int
    first: int
    last: int
    fade: int

    def weight(self) -> Tensor:
        """(end - start,), in [0, 1]."""
        places = torch.arange(self.start, self.end, dtype=torch.float64) + 0.5
        rise = ((places - self.first) / max(1, self.fade)).clamp(0, 1) if self.first > self.start else torch.ones_like(places)
        fall = ((self.last - places) / max(1, self.fade)).clamp(0, 1) if self.last < self.end else torch.ones_like(places)
        return torch.minimum(rise, fall)


def windows(total: int, length: int, overlap: int, halo: int, stride: int) -> tuple[Window, ...]:
    """Windows of at most `length` positions over [0, total), neighbours sharing at least `overlap`, of which the `halo` at each inner
    edge does not count. Starts are multiples of the stride product, so that every window is strided as the whole is.

    Raises ValueError where the numbers leave nothing to count.
    """
    if total <= length:
        return (Window(0, total, 0, total, 0),)
    hop = (length - overlap) // stride * stride
    if hop <= 0 or overlap <= 2 * halo:
        raise ValueError(f"windows of {length} with an overlap of {overlap} and a halo of {halo} do not advance by a stride of {stride}")
    last = -(-(total - length) // stride) * stride
    starts = [*range(0, last, hop), last]
    made = []
    for number, start in enumerate(starts):
        end = min(total, start + length)
        before = starts[number - 1] + length - start if number else 0
        after = end - starts[number + 1] if number + 1 < len(starts) else 0
        fade = min(size for size in (before, after) if size) - 2 * halo
        first = start + (halo + (before - 2 * halo - fade) // 2 if before else 0)
        final = end - (halo + (after - 2 * halo - fade) // 2 if after else 0)
        made.append(Window(start, end, first, final, fade))
    return tuple(made)


def windowed(denoiser_of: Callable[[Window], Denoiser], over: Sequence[Window]) -> Denoiser:
    """The denoiser of a whole signal (B, C, T), from one for each window."""
    if len(over) == 1:
        return denoiser_of(over[0])
    denoisers = [denoiser_of(window) for window in over]
    weights = [window.weight() for window in over]

    def denoise(x: Tensor, lam: Tensor) -> Tensor:
        summed, total = torch.zeros_like(x), torch.zeros(x.shape[-1], dtype=torch.float64)
        for window, denoiser, weight in zip(over, denoisers, weights, strict=True):
            part = denoiser(x[..., window.start : window.end], lam)
            summed[..., window.start : window.end] += part * weight.to(x)
            total[window.start : window.end] += weight
        return summed / total.to(x)

    return denoise


def reach(shape: UNetShape) -> int:
    """How many positions to either side an output of a `local` network may depend on, rounded up to the stride product."""
    radius, scale = 2 * (shape.kernel // 2), 1
    for depth, (stride, blocks) in enumerate(zip(shape.strides, shape.blocks, strict=True)):
        radius += 2 * (stride + 1) * scale
        deepest = depth == len(shape.strides) - 1
        scale *= stride
        sides = 1 if deepest and shape.reading == "bottom_once" else 2
        radius += sides * blocks * 2 * (shape.kernel // 2) * scale
    return -(-(radius + scale) // shape.stride) * shape.stride
