"""Linear filters along time: Gaussian blur of a conditioning signal (paper section 3.7), and first-order emphasis of high frequencies.

Emphasis makes the falling spectrum of music nearly level. A network that is trained on the mean square of a waveform spends itself on the
low notes, and its error, which is nearly white, hisses over the quiet top of the spectrum. Of an emphasised waveform it learns all
frequencies alike, and de-emphasis turns the hiss down.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

# Where the decaying answer to one sample is cut off: below the rounding of fp32.
_LEAST = 1e-9


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


def emphasise(audio: Tensor, coefficient: float) -> Tensor:
    """(B, 1, T) -> (B, 1, T): y[n] = x[n] - c x[n - 1], the first sample repeated before it; 0 <= c < 1, and 0 changes nothing."""
    if coefficient == 0:
        return audio
    return audio - coefficient * functional.pad(audio, (1, 0), mode="replicate")[..., :-1]


def deemphasise(emphasised: Tensor, coefficient: float) -> Tensor:
    """The inverse of `emphasise`: x[n] = sum over k of c^k y[n - k]."""
    if coefficient == 0:
        return emphasised
    taps = math.ceil(math.log(_LEAST) / math.log(coefficient))
    decay = coefficient ** torch.arange(taps, -1, -1, dtype=torch.float64)
    # The tail that is cut off goes into the last tap, so that a constant comes back as it was.
    decay[0] /= 1 - coefficient
    return functional.conv1d(functional.pad(emphasised, (taps, 0), mode="replicate"), decay.to(emphasised)[None, None])
