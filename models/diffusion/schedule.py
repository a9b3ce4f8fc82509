"""Noise schedules: a time t in [0, 1] becomes a log SNR, ln(alpha^2 / sigma^2), and that becomes alpha and sigma.

The log SNR is the paper's lambda. Everything is variance preserving: alpha^2 + sigma^2 = 1, so alpha^2 = sigmoid(log SNR). It stays within
+-20 (paper section 3.2): at -20, alpha is 4.5e-5, which is -87 dB and as good as no signal.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

LIMIT = 20.0


@dataclass(frozen=True)
class Schedule:
    """How noise grows with t.

    cosine: alpha = cos(a t + b) with log SNR from 20 to -20 (paper, equation of section 3.2), so log SNR = -2 ln tan(a t + b).
    beta_linear: log SNR = -ln(expm1(1e-4 + 10 t^2)), the continuous form of Ho et al.'s linear beta. The paper prints a linear sigma^2
    up to 0.02, which would leave x_1 nearly clean (log SNR = +3.9) and contradict x_1 ~ N(0, I).
    flow: alpha : sigma = 1 - t : t, the straight path of flow matching, here at unit variance.

    `shift` is added to the log SNR: 2 ln(s) for data that is s times as large, or sampled s times as coarsely.
    """

    kind: Literal["cosine", "beta_linear", "flow"] = "cosine"
    shift: float = 0.0

    def __call__(self, t: Tensor) -> Tensor:
        """Times in [0, 1], any shape -> log SNR, same shape and type. Computed in double precision."""
        time = t.double()
        if self.kind == "cosine":
            low, high = math.atan(math.exp(-LIMIT / 2)), math.atan(math.exp(LIMIT / 2))
            log_snr = -2.0 * torch.log(torch.tan((high - low) * time + low))
        elif self.kind == "beta_linear":
            log_snr = -torch.log(torch.expm1(1e-4 + 10.0 * time.square()))
        else:
            log_snr = 2.0 * (torch.log1p(-time) - torch.log(time))
        return (log_snr + self.shift).clamp(-LIMIT, LIMIT).to(t.dtype)


def alpha_sigma(log_snr: Tensor) -> tuple[Tensor, Tensor]:
    """Log SNR -> (alpha, sigma), each accurate to the last bit at both ends of the schedule."""
    return torch.sigmoid(log_snr).sqrt(), torch.sigmoid(-log_snr).sqrt()


def per_sample(values: Tensor, like: Tensor) -> Tensor:
    """(B,) -> (B, 1, ..., 1), as many dimensions as `like` has: one number a sample."""
    return values.reshape(-1, *[1] * (like.ndim - 1))


def diffuse(x0: Tensor, eps: Tensor, log_snr: Tensor) -> Tensor:
    """Data and noise (B, ...) at log SNR (B,) -> x = alpha x0 + sigma eps."""
    alpha, sigma = alpha_sigma(per_sample(log_snr, x0))
    return alpha * x0 + sigma * eps
