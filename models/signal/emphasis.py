"""First-order emphasis of high frequencies, which makes the falling spectrum of music nearly level.

A network that is trained on the mean square of a waveform spends itself on the low notes, and its error, which is nearly white, hisses over
the quiet top of the spectrum. Of an emphasised waveform it learns all frequencies alike, and what turns that back takes the hiss down.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

_LEAST = 1e-9
"""Where the decaying answer to one sample is cut off: below the rounding of fp32."""


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
