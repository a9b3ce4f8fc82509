"""More of what is wrong is farther: a share of clips of another kind, from none to all."""

import numpy as np
import pytest

from noise2music.core.arrays import Float32s
from noise2music.evaluation.statistics.clip_rows import ClipRows, clip_rows
from noise2music.evaluation.statistics.frechet import frechet_distance, gaussian_of
from noise2music.evaluation.statistics.kernel import kernel_distance
from tests.evaluation.small_networks import RATE, Frames, Pairs
from tests.evaluation.sounds import keys, tone


def embedded(network: Frames | Pairs, noisy: int, salt: str = "") -> ClipRows:
    """30 clips, of which the first `noisy` have more noise than music."""

    def one(place: int, key: str) -> Float32s:
        return network.embed(tone(key, noise=2.0 if place < noisy else 0.05, salt=salt)[:: 16000 // RATE])

    return clip_rows([(key, one(place, key)) for place, key in enumerate(keys(30))])


@pytest.mark.parametrize("network", [Frames(), Pairs()], ids=["bands", "pairs"])
def test_share_of_clips_of_another_kind(network: Frames | Pairs) -> None:
    reference = embedded(network, 0, "reference")
    sets = [embedded(network, noisy) for noisy in (0, 3, 8, 15, 23, 30)]
    distances = [frechet_distance(gaussian_of(clips.rows), gaussian_of(reference.rows)) for clips in sets]
    assert (np.diff(distances) > 0).all()
    kernels = [found.estimate.value for clips in sets if (found := kernel_distance(clips, reference, 0)) is not None]
    assert len(kernels) == len(sets)
    assert (np.diff(kernels) > 0).all()
