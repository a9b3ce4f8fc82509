"""Downmix to mono: the mean of the channels, unless they cancel each other.

FFmpeg's own downmix is 3 dB louder than the mean, so it is not used.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from noise2music.core.arrays import Float32s
from noise2music.core.audio.reader import average_channels

MAX_CHANNELS = 8
"""Of a file with more channels only the mean is stored."""
CANCELLED = 0.5
"""Unrelated channels leave 1 / n of their power in the mean. Less than half of that means that they cancel: the mean of two channels
then loses more than 6 dB (10 dB and more where one is the other inverted)."""
_AUDIBLE = 1e-8


def keep(channels: npt.NDArray[np.floating]) -> Float32s:
    """A block (c, n) of any floats -> what is stored until its span is complete: (c, n), or (1, n) for too many channels."""
    if len(channels) > MAX_CHANNELS:
        return average_channels(channels)[None]
    return np.array(channels, np.float32, order="C")


def downmix(blocks: Sequence[Float32s]) -> tuple[Float32s, float | None]:
    """Blocks (c, n) of one span, in order -> (mono, None), or, where channels cancel, (mono, dB that the mean would have lost).

    Where two channels cancel, the result is half their difference; where more do, the loudest one. The choice is made once for the whole
    span, so it depends on the file and the span alone. Silence stays silence.
    """
    if not blocks:
        return np.zeros(0, np.float32), None
    means = [block[0] if len(block) == 1 else average_channels(block) for block in blocks]
    mean = np.concatenate(means)
    if all(len(block) == 1 for block in blocks):
        return mean, None
    with np.errstate(over="ignore", invalid="ignore"):
        mean_power = sum(_power(one) for one in means)
        unrelated = sum(_power(channel) / len(block) ** 2 for block in blocks for channel in block)
        channels = sum(_power(channel) / len(block) for block in blocks for channel in block)
    if not np.isfinite(unrelated) or unrelated <= _AUDIBLE * max(1, len(mean)) or mean_power >= CANCELLED * unrelated:
        return mean, None
    lost = 10 * float(np.log10(channels / max(mean_power, channels * 1e-12)))
    return np.concatenate(_instead(blocks)), lost


def _instead(blocks: Sequence[Float32s]) -> list[Float32s]:
    most = max(len(block) for block in blocks)
    powers = [sum(_power(block[number]) for block in blocks if number < len(block)) for number in range(most)]
    loudest = int(np.argmax(powers))
    if most == 2:
        return [(block[0] - block[1]) / np.float32(2) if len(block) == 2 else block[0] for block in blocks]
    return [block[min(loudest, len(block) - 1)] for block in blocks]


def _power(channel: Float32s) -> float:
    return float(np.vdot(channel, channel))
