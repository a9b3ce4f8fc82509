"""Between sample rates, on tensors: down by a windowed sinc, up by the Fourier transform."""

import math
from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional

ZEROS = 32
"""Zero crossings of the sinc on each side."""
ROLLOFF = 0.96
KAISER_BETA = 12.0
"""The stop band, below -110 dB, begins at 1.08 of the lower half rate."""


def downsample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """(B, samples) at `rate` -> (B, samples new_rate / rate). Low-pass at 0.96 of the lower half rate; silence is assumed around the audio.

    Raises ValueError where the length is not a whole number of samples at the new rate.
    """
    if rate == new_rate:
        return audio
    divisor = math.gcd(rate, new_rate)
    old, new = rate // divisor, new_rate // divisor
    if audio.shape[-1] % old:
        raise ValueError(f"{audio.shape[-1]} samples at {rate} Hz are no whole number of samples at {new_rate} Hz")
    kernels, margin = _kernels(old, new)
    padded = functional.pad(audio[:, None], (margin, margin + old))
    phases = functional.conv1d(padded, kernels.to(audio.device, audio.dtype), stride=old)
    return phases.transpose(1, 2).flatten(1)[:, : audio.shape[-1] // old * new]


def fft_upsample(audio: Tensor, rate: int, new_rate: int) -> Tensor:
    """(B, samples) at `rate` -> (B, samples new_rate / rate): the same Fourier coefficients at the higher rate (paper section 4.1).

    Exact for what is periodic in the excerpt and below half the rate. Raises ValueError where lengths are not whole.
    """
    samples = audio.shape[-1]
    if samples * new_rate % rate:
        raise ValueError(f"{samples} samples at {rate} Hz are no whole number of samples at {new_rate} Hz")
    longer = samples * new_rate // rate
    spectrum = torch.fft.rfft(audio.float())
    if samples % 2 == 0 and longer > samples:
        spectrum = torch.cat([spectrum[:, :-1], spectrum[:, -1:] / 2], 1)
    upsampled: Tensor = torch.fft.irfft(spectrum, n=longer).mul(longer / samples).to(audio.dtype)
    return upsampled


@lru_cache(maxsize=8)
def _kernels(old: int, new: int) -> tuple[Tensor, int]:
    """A filter for each of `new` phases, (new, 1, length), and how far each reaches before its sample."""
    cut = min(old, new) * ROLLOFF
    margin = math.ceil(ZEROS * old / cut)
    times = torch.arange(-margin, margin + old, dtype=torch.float64) / old - torch.arange(new, dtype=torch.float64)[:, None] / new
    scaled = (times * cut).clamp(-ZEROS, ZEROS)
    window = torch.special.i0(KAISER_BETA * (1 - (scaled / ZEROS).square()).clamp(min=0).sqrt()) / torch.special.i0(
        torch.tensor(KAISER_BETA, dtype=torch.float64)
    )
    kernels = torch.sinc(scaled) * torch.where(scaled.abs() < ZEROS, window, 0.0) * (cut / old)
    return kernels.float()[:, None], margin
