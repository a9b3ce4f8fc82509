"""What may be wrong with a clip is dead or said."""

import numpy as np
import pytest

from noise2music.core.arrays import Float32s
from noise2music.core.errors import RowError
from noise2music.evaluation.guards import bandwidth_of, check_clip, find_duplicates
from tests.evaluation.sounds import RATE, tone

SOUND = tone("k01")


@pytest.mark.parametrize(
    ("audio", "reason"),
    [
        (np.zeros(RATE, np.float32), "silent"),
        (np.where(np.arange(len(SOUND)) == 7, np.nan, SOUND).astype(np.float32), "not_finite"),
        ((SOUND * 32768).astype(np.float32), "not_full_scale"),
    ],
)
def test_dead(audio: Float32s, reason: str) -> None:
    with pytest.raises(RowError) as caught:
        check_clip(audio, RATE)
    assert caught.value.reason == reason


def test_said() -> None:
    assert check_clip(SOUND, RATE).said == ()
    assert check_clip(np.clip(SOUND * 8, -1, 1), RATE).said[0].startswith("clipped (")
    assert check_clip(SOUND + np.float32(0.1), RATE).said == ("DC offset (10.0 % of full scale)",)
    assert check_clip((SOUND * np.float32(0.002)).astype(np.float32), RATE).said[0].startswith("nearly silent (-7")
    assert check_clip(tone("k00", noise=0), RATE).said == ("narrow (242 Hz)",)


def test_facts() -> None:
    facts = check_clip(SOUND, RATE)
    assert facts.seconds == 2
    assert facts.level == pytest.approx(20 * np.log10(float(np.sqrt(np.square(SOUND, dtype=np.float64).mean()))))


@pytest.mark.parametrize("edge", [1000, 4000])
def test_bandwidth_of_noise_below_an_edge(edge: int) -> None:
    spectrum = np.fft.rfft(np.random.default_rng(1).standard_normal(4 * RATE))
    spectrum[np.fft.rfftfreq(4 * RATE, 1 / RATE) > edge] = 0
    assert bandwidth_of(np.fft.irfft(spectrum).astype(np.float32), RATE) == pytest.approx(edge, rel=0.02)


def test_duplicates() -> None:
    assert find_duplicates({"b": "1", "a": "1", "c": "2", "d": "1"}) == {"b": "a", "d": "a"}
