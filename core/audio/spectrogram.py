"""Draws the spectrogram of a recording as a small picture."""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

# A colour map of our own for spectrograms: lightness rises evenly from night blue to pale yellow, the hue turns the long way round.
# Made in OKLab (Ottosson 2020, "A perceptual color space for image processing"), in which equal steps look equal.


Float64s = npt.NDArray[np.float64]

_TO_LMS = np.array(
    [[1.0, 0.3963377774, 0.2158037573], [1.0, -0.1055613458, -0.0638541728], [1.0, -0.0894841775, -1.2914855480]],
)
_TO_RGB = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def oklab_to_srgb(lab: Float64s) -> Float64s:
    """(N, 3) OKLab -> (N, 3) sRGB in [0, 1]; colours outside of the gamut are clipped."""
    linear = np.clip((lab @ _TO_LMS.T) ** 3 @ _TO_RGB.T, 0, 1)
    return np.asarray(np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055), np.float64)


def spectrogram_colours() -> npt.NDArray[np.uint8]:
    """(256, 3) sRGB, dark to light."""
    at = np.linspace(0, 1, 256)
    lightness = 0.13 + 0.82 * at
    hue = np.deg2rad(278 - 178 * at)
    chroma = 0.03 + 0.11 * np.sin(np.pi * at)
    lab = np.stack([lightness, chroma * np.cos(hue), chroma * np.sin(hue)], axis=1)
    return np.rint(255 * oklab_to_srgb(lab)).astype(np.uint8)


Float32s = npt.NDArray[np.float32]

WIDTH, HEIGHT = 240, 64
LOWEST_HZ, HIGHEST_HZ = 55.0, 11_000.0
RANGE_DB = 60.0

_FRAME = 4096


def spectrogram_png(audio: Float32s, rate: int) -> bytes:
    """(samples,) mono -> PNG of WIDTH x HEIGHT pixels: time to the right, LOWEST_HZ to HIGHEST_HZ upwards in equal musical intervals.

    The brightest point is the loudest; RANGE_DB below it is black. Silence is black.
    """
    power = _spectrum(np.clip(np.nan_to_num(audio), -1, 1)) @ _bands(rate).T
    decibel = 10 * np.log10(np.maximum(power, 1e-12))
    top = max(float(decibel.max()), -60.0)
    light = np.clip(1 + (decibel - top) / RANGE_DB, 0, 1)
    return picture_png(np.asarray(light.T, np.float64))


def picture_png(light: Float64s) -> bytes:
    """(rows, columns) in [0, 1], the lowest frequency first -> PNG with that at the bottom; what is beyond is clipped."""
    image = Image.fromarray(np.rint(255 * np.clip(light[::-1], 0, 1)).astype(np.uint8), mode="P")
    image.putpalette(spectrogram_colours().tobytes())
    sink = io.BytesIO()
    image.save(sink, "PNG", optimize=True)
    return sink.getvalue()


def _spectrum(audio: Float32s) -> Float64s:
    """(WIDTH, bins) mean power of the Hann-windowed frames under each pixel; at least one frame a pixel, at most four."""
    frames = WIDTH * int(np.clip(4 * len(audio) // (WIDTH * _FRAME), 1, 4))
    padded = np.pad(audio, (_FRAME // 2, _FRAME // 2))
    starts = np.linspace(0, len(audio), frames, endpoint=False).astype(np.int64)
    cut = np.lib.stride_tricks.sliding_window_view(padded, _FRAME)[starts]
    window = np.hanning(_FRAME + 1)[:-1]
    power = np.abs(np.fft.rfft(cut * window, axis=1)) ** 2 / window.sum() ** 2
    return np.asarray(power.reshape(WIDTH, -1, power.shape[1]).mean(axis=1), np.float64)


def _bands(rate: int) -> Float64s:
    """(HEIGHT, bins) triangles over a logarithmic frequency axis, each at least two bins wide so that none is empty.

    They widen with frequency, so pink noise is level; what lies above half the rate stays dark.
    """
    bins = np.arange(_FRAME // 2 + 1) * rate / _FRAME
    edges = np.geomspace(LOWEST_HZ, HIGHEST_HZ, HEIGHT + 2)
    left, centre, right = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    narrow = rate / _FRAME
    rising = (bins - centre) / np.maximum(centre - left, narrow) + 1
    falling = (centre - bins) / np.maximum(right - centre, narrow) + 1
    return np.maximum(0, np.minimum(rising, falling))
