"""Classifier-free guidance with its variants, and dynamic clipping (paper section 3.5)."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Guidance:
    """Two estimates of the data at one x and log SNR, one with text and one without (or with a negative prompt), become one.

    scale: w of eps = w eps(text) + (1 - w) eps(nothing); x0 is linear in eps, so the same holds for x0.
    interval: of log SNR. Outside of it the estimate with text is the result, and the other is not needed (Kynkaanniemi et al. 2024).
    apg_eta: the factor on the part of the difference that is parallel to the estimate with text and only makes it larger.
    apg_norm_threshold: the largest root mean square of the difference, in network units. Both are of APG (Sadat et al. 2024); 1 and
    infinity switch it off. That paper's momentum is left out, since a denoiser has no memory of earlier steps.
    rescale: phi of Lin et al. 2024, how far the standard deviation is moved back to that of the estimate with text.
    """

    scale: float
    interval: tuple[float, float] = (-math.inf, math.inf)
    apg_eta: float = 1.0
    apg_norm_threshold: float = math.inf
    rescale: float = 0.0

    def applies(self, log_snr: float) -> bool:
        """Whether the estimate without text is needed at this log SNR."""
        return self.scale != 1.0 and self.interval[0] <= log_snr <= self.interval[1]

    def __call__(self, with_text: Tensor, without: Tensor) -> Tensor:
        """Two estimates (B, ...) -> the guided one, each row by itself. Computed in fp32."""
        target = with_text.float()
        change = target - without.float()
        if math.isfinite(self.apg_norm_threshold):
            change = change * (self.apg_norm_threshold / _rms(change).clamp(min=self.apg_norm_threshold))
        if self.apg_eta != 1.0:
            share = (change * target).flatten(1).sum(1) / target.square().flatten(1).sum(1).clamp(min=1e-12)
            parallel = target * share.reshape(_one_a_row(target))
            change = change - (1.0 - self.apg_eta) * parallel
        guided = target + (self.scale - 1.0) * change
        if self.rescale:
            guided = guided * (1.0 - self.rescale + self.rescale * _std(target) / _std(guided).clamp(min=1e-12))
        return guided.to(with_text.dtype)


@dataclass(frozen=True)
class DynamicClip:
    """Imagen's dynamic thresholding. s is the percentile of |x0| of a sample, but at least `limit`; x0 is clamped to [-s, s] and scaled
    back to [-limit, limit]. The paper gives no percentile; .995 is what others use.
    """

    limit: float = 1.0
    percentile: float = 0.995

    def __call__(self, x0: Tensor) -> Tensor:
        """(B, ...) -> same shape, within +-limit."""
        flat = x0.abs().flatten(1)
        rank = min(flat.shape[1], max(1, round(self.percentile * flat.shape[1])))
        threshold = torch.kthvalue(flat, rank, dim=1).values.clamp(min=self.limit).reshape(_one_a_row(x0))
        return x0.clamp(-threshold, threshold) * (self.limit / threshold)


def _one_a_row(like: Tensor) -> tuple[int, ...]:
    """The shape of one number a row."""
    return (-1, *[1] * (like.ndim - 1))


def _rms(x: Tensor) -> Tensor:
    return x.square().flatten(1).mean(1).sqrt().reshape(_one_a_row(x))


def _std(x: Tensor) -> Tensor:
    return x.flatten(1).std(1, correction=0).reshape(_one_a_row(x))
