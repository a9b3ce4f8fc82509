"""Gaussian blur of a conditioning signal (paper section 3.7)."""

import torch
from torch import Tensor
from torch.nn import functional


def blur(signal: Tensor, size: int, deviations: Tensor, both_axes: bool) -> Tensor:
    """(B, C, T), a kernel of `size` positions whose standard deviation is `deviations` (B,) -> (B, C, T).

    Along time; with `both_axes` along channels too, as on a spectrogram. The ends are repeated outward. A kernel of even size is
    centred too, and reaches one position further forward than back.
    """
    places = torch.arange(size, device=signal.device, dtype=signal.dtype) - (size - 1) // 2
    kernels = torch.exp(-0.5 * (places / deviations.to(signal)[:, None]).square())
    kernels = kernels / kernels.sum(1, keepdim=True)
    blurred = _along_time(signal, kernels)
    return _along_time(blurred.transpose(1, 2), kernels).transpose(1, 2) if both_axes else blurred


def _along_time(signal: Tensor, kernels: Tensor) -> Tensor:
    batch, channels, length = signal.shape
    size = kernels.shape[1]
    padded = functional.pad(signal, ((size - 1) // 2, size // 2), mode="replicate").transpose(0, 1)
    weight = kernels[:, None]
    return functional.conv1d(padded, weight, groups=batch).transpose(0, 1).reshape(batch, channels, length)
