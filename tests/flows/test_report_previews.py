"""What is heard and seen of a clip decodes again and shows what was in it."""

import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from noise2music.core.audio.encode import audio_bytes
from noise2music.core.audio.spectrogram import HEIGHT, HIGHEST_HZ, LOWEST_HZ, WIDTH, spectrogram_colours, spectrogram_png
from noise2music.flows.pages.label.samples import PREVIEW_RATE, PREVIEW_SECONDS, preview_audio, preview_flac
from tests.flows.made_up_datasets import sine


def lightness(png: bytes) -> np.ndarray:
    """(HEIGHT, WIDTH) places in the colour map, 0 dark."""
    image = Image.open(io.BytesIO(png)).convert("RGB")
    assert image.size == (WIDTH, HEIGHT)
    places = {tuple(colour): place for place, colour in enumerate(spectrogram_colours().tolist())}
    return np.array([places[pixel] for pixel in map(tuple, np.asarray(image).reshape(-1, 3).tolist())]).reshape(HEIGHT, WIDTH)


@pytest.mark.parametrize("rate", [24_000, 48_000, 11_025])
def test_mp3_plays_the_same_tone(rate: int) -> None:
    audio, got = soundfile.read(io.BytesIO(preview_audio(sine(2, 880, rate), rate)), dtype="float32")
    assert got == PREVIEW_RATE
    assert audio.ndim == 1
    assert len(audio) == pytest.approx(2 * PREVIEW_RATE, abs=PREVIEW_RATE * 0.1)
    middle = audio[PREVIEW_RATE // 2 : PREVIEW_RATE * 3 // 2]
    spectrum = np.abs(np.fft.rfft(middle * np.hanning(len(middle))))
    assert spectrum.argmax() == pytest.approx(880, abs=2)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.05)


def test_eighty_previews_of_noise_fit_into_fifteen_megabytes() -> None:
    noise = np.random.default_rng(0).uniform(-1, 1, PREVIEW_SECONDS * PREVIEW_RATE).astype(np.float32)
    size = len(preview_audio(noise, PREVIEW_RATE)) + len(spectrogram_png(noise, PREVIEW_RATE))
    assert 80 * size * 4 / 3 < 15e6


@pytest.mark.parametrize("hertz", [110, 440, 1000, 4000])
@pytest.mark.parametrize("rate", [24_000, 48_000])
def test_a_sine_is_one_bright_line_at_its_row(hertz: int, rate: int) -> None:
    light = lightness(spectrogram_png(sine(3, hertz, rate), rate))
    row = (HEIGHT + 1) * np.log(hertz / LOWEST_HZ) / np.log(HIGHEST_HZ / LOWEST_HZ) - 1
    inner = light[:, 5:-5]
    assert (np.abs((HEIGHT - 1 - inner.argmax(0)) - row) <= 1).all()
    assert inner.max(0).min() > 230
    away = np.delete(inner, range(max(0, int(HEIGHT - 1 - row) - 8), min(HEIGHT, int(HEIGHT - 1 - row) + 9)), axis=0)
    assert away.max() < 60


def test_time_runs_to_the_right() -> None:
    half = np.concatenate([np.zeros(PREVIEW_RATE * 2, np.float32), sine(2, 1000)])
    light = lightness(spectrogram_png(half, PREVIEW_RATE))
    assert light[:, : WIDTH // 2 - 8].max() == 0
    assert light[:, WIDTH // 2 + 8 : -8].max(0).min() > 200


def test_silence_nan_and_one_sample_do_no_harm() -> None:
    assert lightness(spectrogram_png(np.zeros(5000, np.float32), 24_000)).max() == 0
    broken = np.array([np.nan, np.inf, -np.inf, 7.0] * 2000, np.float32)
    assert soundfile.info(io.BytesIO(preview_audio(broken, 24_000))).samplerate == PREVIEW_RATE
    lightness(spectrogram_png(broken, 24_000))
    lightness(spectrogram_png(np.ones(1, np.float32), 24_000))


def test_a_long_clip_is_cut() -> None:
    preview = preview_flac(audio_bytes(sine(PREVIEW_SECONDS + 5, 300, 8000), 8000))
    assert soundfile.info(io.BytesIO(preview.audio)).duration == pytest.approx(PREVIEW_SECONDS, abs=0.2)


def test_colours_rise_evenly_in_lightness() -> None:
    colours = spectrogram_colours() / 255
    linear = np.where(colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4)
    luminance = linear @ [0.2126, 0.7152, 0.0722]
    lab = np.where(luminance > 216 / 24389, 116 * np.cbrt(luminance) - 16, luminance * 24389 / 27)
    steps = np.diff(lab[::8])
    assert (steps > 0).all()
    assert steps.max() < 3 * np.median(steps)
    assert len(np.unique(spectrogram_colours(), axis=0)) > 240
