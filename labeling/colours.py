"""A colour map of our own for spectrograms: lightness rises evenly from night blue to pale yellow, the hue turns the long way round.

Made in OKLab (Ottosson 2020, "A perceptual color space for image processing"), in which equal steps look equal.
"""

import numpy as np
import numpy.typing as npt

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
