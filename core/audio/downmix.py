"""Channels become one: their mean, unless they cancel each other.

FFmpeg's own downmix is 3 dB louder than the mean, so it is never used.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from noise2music.core.arrays import Float32s
from noise2music.core.audio.reader import average_channels

MOST_KEPT = 8
"""Of a file with more channels only the mean is kept."""
CANCELLED = 0.5
"""Unrelated channels leave 1 / n of their power in the mean. Where less than half of that is left, they work against each other: two
channels whose mean loses more than 6 dB (10 dB and more where one is the other inverted)."""
_AUDIBLE = 1e-8


def keep(channels: npt.NDArray[np.floating]) -> Float32s:
    """(c, n) of a block, any floats -> what has to be kept of it until the span is whole: (c, n) or, of too many channels, (1, n)."""
    if len(channels) > MOST_KEPT:
        return average_channels(channels)[None]
    return np.array(channels, np.float32, order="C")


def downmix(blocks: Sequence[Float32s]) -> tuple[Float32s, float | None]:
    """Blocks (c, n) of one span, in order -> (mono, None), or, where channels cancel, (mono, dB that the mean would have lost).

    Two channels that cancel give their half difference, more of them the loudest one. The choice is made once for the whole span, so it
    depends on the file and the span alone. Silence stays silence.
    """
    if not blocks:
        return np.zeros(0, np.float32), None
    means = [block[0] if len(block) == 1 else average_channels(block) for block in blocks]
    mean = np.concatenate(means)
    if all(len(block) == 1 for block in blocks):
        return mean, None
    with np.errstate(over="ignore", invalid="ignore"):
        left = sum(_power(one) for one in means)
        unrelated = sum(_power(channel) / len(block) ** 2 for block in blocks for channel in block)
        channels = sum(_power(channel) / len(block) for block in blocks for channel in block)
    if not np.isfinite(unrelated) or unrelated <= _AUDIBLE * max(1, len(mean)) or left >= CANCELLED * unrelated:
        return mean, None
    lost = 10 * float(np.log10(channels / max(left, channels * 1e-12)))
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
