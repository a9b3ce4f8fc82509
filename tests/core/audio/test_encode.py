"""What goes beyond full scale: turned down to it, whatever resampling adds, and a glitch does not silence the music."""

import numpy as np
import pytest

from noise2music.core.audio.encode import full_scale_gain, peak_of, say_beyond


def test_within_full_scale_nothing_is_changed_even_where_resampling_overshoots() -> None:
    audio = np.array([0.5, 1.03, -1.02], np.float32)
    assert full_scale_gain(audio, 1.0) == 1.0
    assert full_scale_gain(np.zeros(0, np.float32), 2.0) == 1.0


@pytest.mark.parametrize("peak", [1.001, 4.0, 32768.0])
def test_the_peak_comes_to_full_scale(peak: float) -> None:
    audio = (peak * np.sin(np.arange(48000) / 7)).astype(np.float32)
    gain = full_scale_gain(audio, peak_of(audio))
    assert float(np.abs(audio * np.float32(gain)).max()) == pytest.approx(1.0, abs=1e-6)


def test_a_glitch_does_not_turn_music_down_to_nothing() -> None:
    audio = (0.5 * np.sin(np.arange(48000) / 7)).astype(np.float32)
    audio[100] = 1e6
    assert full_scale_gain(audio, peak_of(audio)) == 1.0


def test_words() -> None:
    assert say_beyond(4.0, 0.25) == "its peak is 12.0 dB beyond full scale; it was turned down by 12.0 dB"
    assert say_beyond(4.0, 1.0) == "its peak is 12.0 dB beyond full scale; what is beyond was cut off"
