"""Waveforms drawn towards a spectrogram."""

import torch

from noise2music.core.audio.resample import resample
from noise2music.core.randomness import normals
from noise2music.models.signal.griffin_lim import griffin_lim, linear_power
from noise2music.models.signal.log_mel import LOG_MEL
from noise2music.synth.render import render_piece

CPU = torch.device("cpu")


def piece(seconds: float, index: int = 0) -> torch.Tensor:
    made = render_piece(7, index, max(4.0, seconds))
    return torch.from_numpy(resample(made.audio, made.sample_rate, LOG_MEL.rate)[None, : round(seconds * LOG_MEL.rate)])


def noise(samples: int) -> torch.Tensor:
    return normals(3, [1], "noise", (1, samples), CPU) * 0.01


def decibels(audio: torch.Tensor, spectrogram: torch.Tensor) -> float:
    """Mean distance of audio (B, 1, T) from a spectrogram."""
    return float((LOG_MEL(audio[:, 0]) - spectrogram).abs().mean()) * (LOG_MEL.top_db - LOG_MEL.floor_db) / 2


def test_noise_becomes_music() -> None:
    spectrogram = LOG_MEL(piece(3.0))
    start = noise(48_000)
    assert decibels(start, spectrogram) > 10
    few, many = (decibels(griffin_lim(start, spectrogram, number), spectrogram) for number in (4, 32))
    assert many < few < 5
    assert many < 3


def test_phases_stay() -> None:
    """A mel spectrogram says less than magnitudes, so a waveform does not come back whole; with other phases the share would be 2."""
    audio = piece(2.0)
    found = griffin_lim(audio[:, None], LOG_MEL(audio), 4)[:, 0]
    assert float((found - audio)[:, 1000:-1000].square().mean() / audio.square().mean()) < 0.3


def test_the_power_spectrum_has_the_spectrogram() -> None:
    spectrogram = LOG_MEL(piece(1.0))
    power = linear_power(spectrogram)
    assert power.shape == (1, 513, 100)
    assert bool((power >= 0).all())
    silent = linear_power(torch.full((1, 80, 3), -1.0))
    assert float(silent.max()) < 1e-9


def test_no_projection_changes_nothing_and_rows_do_not_know_each_other() -> None:
    audio, spectrogram = noise(16_000), LOG_MEL(piece(1.0))
    assert griffin_lim(audio, spectrogram, 0) is audio
    other = LOG_MEL(piece(1.0, 1))
    both = griffin_lim(torch.cat([audio, audio]), torch.cat([spectrogram, other]), 3)
    assert torch.allclose(both[:1], griffin_lim(audio, spectrogram, 3), atol=1e-4)


def test_clips_shorter_than_a_window() -> None:
    for frames in (1, 3, 6):
        found = griffin_lim(noise(frames * LOG_MEL.hop), torch.zeros(1, 80, frames), 2)
        assert found.shape == (1, 1, frames * LOG_MEL.hop)
        assert bool(torch.isfinite(found).all())
