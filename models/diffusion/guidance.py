"""Classifier-free guidance and dynamic clipping (paper section 3.5)."""

from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Scale:
    """eps = w eps(text) + (1 - w) eps(nothing). At one x and lambda, x0 is linear in eps, so the same holds for x0."""

    scale: float

    def __call__(self, with_text: Tensor, without: Tensor, lam: Tensor) -> Tensor:
        """Two estimates (B, ...) -> the guided one. The same at every lambda."""
        del lam
        return without + self.scale * (with_text - without)


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
        threshold = torch.kthvalue(flat, place, dim=1).values.clamp(min=self.limit).reshape(-1, *[1] * (x0.ndim - 1))
        return x0.clamp(-threshold, threshold) * (self.limit / threshold)
