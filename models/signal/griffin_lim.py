"""A waveform is drawn towards the spectrogram that it should have (Griffin and Lim 1984; sped up after Perraudin et al. 2013).

The waveform's phases stay, and its magnitudes become those of the spectrogram, again and again, since no waveform has just any of both.
"""

import torch
from torch import Tensor
from torch.nn import functional

from noise2music.models.signal.known import Known
from noise2music.models.signal.log_mel import LOG_MEL

MOMENTUM = 0.99
_UPDATES = 200
_SMALL = 1e-12


def drawn_towards(audio: Tensor, spectrogram: Tensor, projections: int, known: Known | None = None) -> Tensor:
    """(B, 1, frames * hop) at the spectrogram's rate and (B, mels, frames) scaled log-mel -> (B, 1, frames * hop), in fp32.

    known: samples that stay, so that what is drawn beside them goes on from them. Row by row, so that a clip comes out the same whatever
    is beside it.
    """
    if projections == 0:
        return audio
    rows = [
        _projected(audio[row : row + 1].float(), spectrogram[row : row + 1].float(), projections, known and known.row(row))
        for row in range(len(audio))
    ]
    return torch.cat(rows).to(audio)


def linear_power(spectrogram: Tensor) -> Tensor:
    """(B, mels, T) scaled log-mel -> (B, bins, T): a power spectrum that has it, by multiplicative updates (Lee and Seung 2001)."""
    filters, mels = LOG_MEL.front_end.filters().to(spectrogram), LOG_MEL.power(spectrogram)
    wanted = filters.T @ mels
    overlap = filters.T @ filters
    power = filters.T @ (mels / filters.sum(1, keepdim=True).square()) + _SMALL
    for _ in range(_UPDATES):
        power = power * wanted / (overlap @ power + _SMALL)
    return power


def _projected(audio: Tensor, spectrogram: Tensor, projections: int, known: Known | None) -> Tensor:
    samples, window = audio.shape[-1], torch.hann_window(LOG_MEL.n_fft, device=audio.device)
    # A signal shorter than half a window has nothing to reflect at its ends.
    lacking = max(0, LOG_MEL.n_fft - samples)
    wave = functional.pad(audio[:, 0], (0, lacking))
    frames = 1 + wave.shape[-1] // LOG_MEL.hop
    magnitude = linear_power(functional.pad(spectrogram, (0, frames - spectrogram.shape[-1]), mode="replicate")).sqrt()
    before: Tensor | None = None
    for _ in range(projections):
        spectrum = torch.stft(wave, LOG_MEL.n_fft, LOG_MEL.hop, window=window, return_complex=True)
        moved = spectrum if before is None else spectrum - before * (MOMENTUM / (1 + MOMENTUM))
        before = spectrum
        wave = torch.istft(magnitude * moved / (moved.abs() + _SMALL), LOG_MEL.n_fft, LOG_MEL.hop, window=window, length=wave.shape[-1])
        if known is not None:
            wave[:, :samples] = known.held(wave[:, None, :samples])[:, 0]
    return wave[:, None, :samples]
