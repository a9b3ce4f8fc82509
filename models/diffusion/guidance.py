"""Classifier-free guidance with its variants, and dynamic clipping (paper section 3.5)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Guidance:
    """Two estimates of the data at one x and lambda, with text and without (or with what is not wanted), become one.

    scale: eps = w eps(text) + (1 - w) eps(nothing); x0 is linear in eps, so the same holds for x0. interval: of lambda; outside it the
    estimate with text is taken as it is, and the other is not needed (Kynkaanniemi et al. 2024). parallel: what is kept of the part of
    the difference that only makes the estimate larger, and radius: the longest that the difference may be, as a root mean square in
    network units (APG, Sadat et al. 2024; 1 and infinity leave it out; without that paper's momentum, which would need a memory).
    rescale: how far the spread is drawn back to that of the estimate with text (Lin et al. 2024, phi).
    """

    scale: float
    interval: tuple[float, float] = (-math.inf, math.inf)
    parallel: float = 1.0
    radius: float = math.inf
    rescale: float = 0.0

    def applies(self, lam: float) -> bool:
        """Whether the estimate without text is needed at this lambda."""
        return self.scale != 1.0 and self.interval[0] <= lam <= self.interval[1]

    def __call__(self, with_text: Tensor, without: Tensor) -> Tensor:
        """Two estimates (B, ...) -> the guided one, each row by itself. Computed in fp32."""
        wanted = with_text.float()
        change = wanted - without.float()
        if math.isfinite(self.radius):
            change = change * (self.radius / _rms(change).clamp(min=self.radius))
        if self.parallel != 1.0:
            along = wanted * ((change * wanted).flatten(1).sum(1) / wanted.square().flatten(1).sum(1).clamp(min=1e-12)).reshape(
                _each(wanted)
            )
            change = change - (1.0 - self.parallel) * along
        guided = wanted + (self.scale - 1.0) * change
        if self.rescale:
            guided = guided * (1.0 - self.rescale + self.rescale * _spread(wanted) / _spread(guided).clamp(min=1e-12))
        return guided.to(with_text.dtype)


@dataclass(frozen=True)
class DynamicClip:
    """Imagen's dynamic thresholding: with s the percentile of |x0| of a sample, but at least `limit`, clamp to [-s, s] and scale back
    to [-limit, limit]. The paper gives no percentile; .995 is what others use.
    """

    limit: float = 1.0
    percentile: float = 0.995

    def __call__(self, x0: Tensor) -> Tensor:
        """(B, ...) -> same shape, within +-limit."""
        flat = x0.abs().flatten(1)
        place = min(flat.shape[1], max(1, round(self.percentile * flat.shape[1])))
        threshold = torch.kthvalue(flat, place, dim=1).values.clamp(min=self.limit).reshape(_each(x0))
        return x0.clamp(-threshold, threshold) * (self.limit / threshold)


def _each(like: Tensor) -> tuple[int, ...]:
    """The shape of one number a row."""
    return (-1, *[1] * (like.ndim - 1))


def _rms(x: Tensor) -> Tensor:
    return x.square().flatten(1).mean(1).sqrt().reshape(_each(x))


def _spread(x: Tensor) -> Tensor:
    return x.flatten(1).std(1, correction=0).reshape(_each(x))
