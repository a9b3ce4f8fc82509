"""Griffin and Lim's method (1984), with the momentum of Perraudin et al. 2013: a waveform gets the magnitudes of a spectrogram.

Each iteration keeps the phases of the waveform and sets its magnitudes. It takes several, since overlapping frames of a waveform do not
have just any pair of both.
"""

import torch
from torch import Tensor
from torch.nn import functional

from noise2music.models.signal.inpainting import Inpainting
from noise2music.models.signal.log_mel import LOG_MEL

MOMENTUM = 0.99
_UPDATES = 200
_SMALL = 1e-12


def griffin_lim(audio: Tensor, spectrogram: Tensor, iters: int, inpainting: Inpainting | None = None) -> Tensor:
    """(B, 1, frames * hop) at the spectrogram's rate and (B, mels, frames) scaled log-mel -> (B, 1, frames * hop), in fp32.

    inpainting: samples that stay, so that the waveform beside them goes on from them. Rows are computed one by one, so that a clip comes
    out the same in any batch.
    """
    if iters == 0:
        return audio
    rows = [
        _iterate(audio[row : row + 1].float(), spectrogram[row : row + 1].float(), iters, inpainting and inpainting.row(row))
        for row in range(len(audio))
    ]
    return torch.cat(rows).to(audio)


def linear_power(spectrogram: Tensor) -> Tensor:
    """(B, mels, T) scaled log-mel -> (B, bins, T): a power spectrum with these mels, by multiplicative updates (Lee and Seung 2001)."""
    filters, mels = LOG_MEL.front_end.filters().to(spectrogram), LOG_MEL.power(spectrogram)
    target = filters.T @ mels
    overlap = filters.T @ filters
    power = filters.T @ (mels / filters.sum(1, keepdim=True).square()) + _SMALL
    for _ in range(_UPDATES):
        power = power * target / (overlap @ power + _SMALL)
    return power


def _iterate(audio: Tensor, spectrogram: Tensor, iters: int, inpainting: Inpainting | None) -> Tensor:
    samples, window = audio.shape[-1], torch.hann_window(LOG_MEL.n_fft, device=audio.device)
    # A signal shorter than half a window has nothing to reflect at its ends.
    lacking = max(0, LOG_MEL.n_fft - samples)
    wave = functional.pad(audio[:, 0], (0, lacking))
    frames = 1 + wave.shape[-1] // LOG_MEL.hop
    magnitude = linear_power(functional.pad(spectrogram, (0, frames - spectrogram.shape[-1]), mode="replicate")).sqrt()
    before: Tensor | None = None
    for _ in range(iters):
        spectrum = torch.stft(wave, LOG_MEL.n_fft, LOG_MEL.hop, window=window, return_complex=True)
        moved = spectrum if before is None else spectrum - before * (MOMENTUM / (1 + MOMENTUM))
        before = spectrum
        wave = torch.istft(magnitude * moved / (moved.abs() + _SMALL), LOG_MEL.n_fft, LOG_MEL.hop, window=window, length=wave.shape[-1])
        if inpainting is not None:
            wave[:, :samples] = inpainting.apply(wave[:, None, :samples])[:, 0]
    return wave[:, None, :samples]
