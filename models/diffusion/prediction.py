"""The kinds of prediction of a network, and the data (x0) or the noise (eps) that follow from each.

eps: the noise. x0: the data. v = alpha eps - sigma x0 (Salimans and Ho 2022). flow = eps - x0, the velocity of the straight path.
With x = alpha x0 + sigma eps each of them determines the others, except eps at alpha = 0 and x0 at sigma = 0.
"""

from typing import Literal, assert_never

from torch import Tensor

from noise2music.models.diffusion.schedule import alpha_sigma, per_sample

Prediction = Literal["eps", "x0", "v", "flow"]


def target_of(kind: Prediction, x0: Tensor, eps: Tensor, log_snr: Tensor) -> Tensor:
    """Data and noise (B, ...) at log SNR (B,) -> the output that a network of this kind should have."""
    alpha, sigma = alpha_sigma(per_sample(log_snr, x0))
    match kind:
        case "eps":
            return eps
        case "x0":
            return x0
        case "v":
            return alpha * eps - sigma * x0
        case "flow":
            return eps - x0
    assert_never(kind)


def x0_of(kind: Prediction, output: Tensor, x: Tensor, log_snr: Tensor) -> Tensor:
    """A network's output (B, ...) at x (B, ...) and log SNR (B,) -> its estimate of the data."""
    alpha, sigma = alpha_sigma(per_sample(log_snr, x))
    match kind:
        case "eps":
            return (x - sigma * output) / alpha
        case "x0":
            return output
        case "v":
            return alpha * x - sigma * output
        case "flow":
            return (x - sigma * output) / (alpha + sigma)
    assert_never(kind)


def eps_of_x0(x0: Tensor, x: Tensor, log_snr: Tensor) -> Tensor:
    """An estimate of the data (B, ...) at x (B, ...) and log SNR (B,) -> the noise that it implies."""
    alpha, sigma = alpha_sigma(per_sample(log_snr, x))
    return (x - alpha * x0) / sigma


def eps_error_share(kind: Prediction, log_snr: Tensor) -> Tensor:
    """(B,): the square of (error of eps) / (error of the output), so that a loss on outputs can be weighted as a loss on eps."""
    alpha, sigma = alpha_sigma(log_snr)
    match kind:
        case "eps":
            return alpha.new_ones(alpha.shape)
        case "x0":
            return (alpha / sigma).square()
        case "v":
            return alpha.square()
        case "flow":
            return (alpha / (alpha + sigma)).square()
    assert_never(kind)
