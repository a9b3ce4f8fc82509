"""Loss weights: how much the squared error of eps counts at each lambda (paper section 3.1)."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from models.diffusion.prediction import Prediction, eps_error_share
from models.diffusion.schedule import alpha_sigma


@dataclass(frozen=True)
class Weight:
    """The weight w of w ||eps_hat - eps||^2.

    simplified: 1 (paper). sigma: sigma^2, without which the paper's spectrogram generator did not converge. min_snr: min(SNR, gamma) / SNR
    (Hang et al. 2023). sigmoid: sigmoid(bias - lambda) (Hoogeboom et al. 2024). velocity: 1 / alpha^2, which is 1 on the error of v and
    the only one that still counts where nothing of the signal is left, as zero terminal SNR needs.
    """

    kind: Literal["simplified", "sigma", "min_snr", "sigmoid", "velocity"] = "simplified"
    gamma: float = 5.0
    bias: float = 0.0

    def __call__(self, lam: Tensor) -> Tensor:
        """Lambda (B,) -> the weight of the squared error of eps, (B,)."""
        if self.kind == "simplified":
            return torch.ones_like(lam)
        if self.kind == "sigma":
            return torch.sigmoid(-lam)
        if self.kind == "min_snr":
            return torch.exp(lam).clamp(max=self.gamma) * torch.exp(-lam)
        if self.kind == "sigmoid":
            return torch.sigmoid(self.bias - lam)
        return 1.0 / torch.sigmoid(lam)

    def of_output(self, lam: Tensor, prediction: Prediction) -> Tensor:
        """Lambda (B,) -> the weight of the squared error of what the network says, (B,)."""
        if self.kind == "velocity" and prediction == "flow":
            alpha, sigma = alpha_sigma(lam)
            return (alpha + sigma).square().reciprocal()
        if self.kind == "velocity" and prediction == "v":
            return torch.ones_like(lam)
        return self(lam) * eps_error_share(prediction, lam)
