"""What may be wrong with a clip, measured on the part that is heard. A clip that no network can judge is dead; the rest is said."""

from dataclasses import dataclass

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.core.audio.decode import SILENT_PEAK
from noise2music.core.audio.encode import peak_of
from noise2music.core.errors import RowError
from noise2music.evaluation.embedders.clips import check_scale
from noise2music.models.generation.guards import CLIPPED_WARNING, FULL_SCALE, OFFSET_WARNING, SILENT_DBFS, level_dbfs

BANDWIDTH_SHARE = 0.999
"""Of the power, below the frequency that counts as the bandwidth."""
NARROW_SHARE = 0.25
"""Of the highest frequency, below which a clip is said to be narrow."""
_FRAME = 2048


@dataclass(frozen=True)
class ClipFacts:
    """seconds heard, level (dBFS, root mean square), peak, clipped: share of samples at full scale, offset: the mean, bandwidth: Hz below
    which nearly all power lies. said: what a reader should know, in words.
    """

    seconds: float
    level: float
    peak: float
    clipped: float
    offset: float
    bandwidth: float
    said: tuple[str, ...] = ()


def check_clip(heard: Float32s, rate: int) -> ClipFacts:
    """(n,) mono at `rate` Hz -> its facts. Raises RowError "not_finite", "not_full_scale" and "silent"."""
    if not np.isfinite(heard).all():
        raise RowError("not_finite", f"{1 - float(np.isfinite(heard).mean()):.1%} of the samples are NaN or infinity")
    peak, level = peak_of(heard), level_dbfs(heard)
    check_scale(peak)
    if peak < SILENT_PEAK:
        raise RowError("silent", f"the peak of the part that is heard is {peak:.1e}, below {SILENT_PEAK:g} of full scale")
    clipped = float((np.abs(heard) >= FULL_SCALE).mean())
    offset = float(np.mean(heard, dtype=np.float64))
    bandwidth = bandwidth_of(heard, rate)
    said = []
    if level < SILENT_DBFS:
        said.append(f"nearly silent ({level:.0f} dBFS)")
    if clipped > CLIPPED_WARNING:
        said.append(f"clipped ({100 * clipped:.1f} % of the samples)")
    if abs(offset) > OFFSET_WARNING:
        said.append(f"DC offset ({100 * offset:.1f} % of full scale)")
    if bandwidth < NARROW_SHARE * rate / 2:
        said.append(f"narrow ({bandwidth:,.0f} Hz)")
    return ClipFacts(len(heard) / rate, level, peak, clipped, offset, bandwidth, tuple(said))


def bandwidth_of(heard: Float32s, rate: int) -> float:
    """Hz below which BANDWIDTH_SHARE of the power lies, DC left out; from frames of 2,048 samples."""
    whole = np.pad(heard, (0, -len(heard) % _FRAME)).reshape(-1, _FRAME)
    power = np.square(np.abs(np.fft.rfft(whole * np.hanning(_FRAME), axis=1))).sum(axis=0)
    power[:2] = 0
    total = np.cumsum(power)
    if total[-1] <= 0:
        return 0.0
    return float(np.searchsorted(total, BANDWIDTH_SHARE * total[-1]) * rate / _FRAME)


def find_duplicates(digests: dict[str, str]) -> dict[str, str]:
    """Key -> hash of what is heard -> keys of copies, each with the first key that has the same samples."""
    first: dict[str, str] = {}
    copies = {}
    for key in sorted(digests):
        original = first.setdefault(digests[key], key)
        if original != key:
            copies[key] = original
    return copies
