"""Loss weights: how much the squared error of eps counts at each log SNR (paper section 3.1)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from noise2music.models.diffusion.prediction import Prediction, eps_error_share
from noise2music.models.diffusion.schedule import alpha_sigma


@dataclass(frozen=True)
class Weight:
    """The weight w of w ||eps_hat - eps||^2.

    simplified: 1 (paper). sigma: sigma^2, without which the paper's spectrogram generator did not converge. min_snr: min(SNR, gamma) / SNR
    (Hang et al. 2023). sigmoid: sigmoid(bias - log SNR) (Hoogeboom et al. 2024). velocity: 1 / alpha^2, which is 1 on the error of v and
    the only one that still counts where nothing of the signal is left, as zero terminal SNR needs. sigmoid_velocity: that times
    sigmoid(bias - log SNR), so that noise too faint to matter counts little, and its unpredictable errors do not drown the others.
    """

    kind: Literal["simplified", "sigma", "min_snr", "sigmoid", "velocity", "sigmoid_velocity"] = "simplified"
    gamma: float = 5.0
    bias: float = 0.0

    def __call__(self, log_snr: Tensor) -> Tensor:
        """Log SNR (B,) -> the weight of the squared error of eps, (B,)."""
        if self.kind == "simplified":
            return torch.ones_like(log_snr)
        if self.kind == "sigma":
            return torch.sigmoid(-log_snr)
        if self.kind == "min_snr":
            return torch.exp(log_snr).clamp(max=self.gamma) * torch.exp(-log_snr)
        if self.kind == "sigmoid":
            return torch.sigmoid(self.bias - log_snr)
        if self.kind == "sigmoid_velocity":
            return torch.sigmoid(self.bias - log_snr) / torch.sigmoid(log_snr)
        return 1.0 / torch.sigmoid(log_snr)

    def of_output(self, log_snr: Tensor, prediction: Prediction) -> Tensor:
        """Log SNR (B,) -> the weight of the squared error of the network's output, (B,)."""
        if self.kind in ("velocity", "sigmoid_velocity") and prediction in ("v", "flow"):
            counted = torch.sigmoid(self.bias - log_snr) if self.kind == "sigmoid_velocity" else torch.ones_like(log_snr)
            alpha, sigma = alpha_sigma(log_snr)
            return counted if prediction == "v" else counted / (alpha + sigma).square()
        return self(log_snr) * eps_error_share(prediction, log_snr)
