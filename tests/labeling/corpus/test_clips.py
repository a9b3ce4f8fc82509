from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.ids import stable_id
from noise2music.labeling.corpus.clips import cut_clips
from noise2music.labeling.settings import Corpus


def corpus(clip: float = 30, least: float = 5, most: int = 6) -> Corpus:
    return Corpus(audio="a", clip_seconds=clip, min_seconds=least, max_clips=most)


def spans(duration_ms: int, settings: Corpus) -> list[tuple[int, int]]:
    return [(clip.start_ms, clip.length_ms) for clip in cut_clips("t", duration_ms, settings)]


@pytest.mark.parametrize(
    ("duration_ms", "expected"),
    [
        (0, []),
        (-1, []),
        (4999, []),
        (5000, [(0, 5000)]),
        (30_000, [(0, 30_000)]),
        (34_999, [(0, 30_000)]),
        (35_000, [(0, 30_000), (30_000, 5000)]),
        (60_001, [(0, 30_000), (30_000, 30_000)]),
        (180_000, [(start, 30_000) for start in range(0, 180_000, 30_000)]),
    ],
)
def test_windows_and_the_rest(duration_ms: int, expected: list[tuple[int, int]]) -> None:
    assert spans(duration_ms, corpus()) == expected


def test_of_a_long_track_the_middle_of_each_sixth() -> None:
    assert spans(30_000 * 60, corpus()) == [(30_000 * window, 30_000) for window in (5, 15, 25, 35, 45, 55)]
    assert spans(30_000 * 7, corpus(most=1)) == [(90_000, 30_000)]


def test_a_promised_duration_beyond_reason_costs_no_time() -> None:
    assert len(cut_clips("t", 2**62, corpus())) == 6


def test_ids_are_hashes_of_track_start_and_length() -> None:
    assert [clip.clip_id for clip in cut_clips("t", 36_000, corpus())] == [stable_id("t", 0, 30_000), stable_id("t", 30_000, 6000)]


@given(st.integers(0, 10**7), st.floats(0.0001, 100), st.floats(0.0001, 100), st.integers(1, 50))
def test_clips_partition_the_track(duration_ms: int, clip: float, least: float, most: int) -> None:
    settings = corpus(clip, least, most)
    window, shortest = max(1, round(clip * 1000)), max(1, round(least * 1000))
    found = spans(duration_ms, settings)
    whole, rest = divmod(duration_ms, window)
    available = whole + (rest >= shortest)
    assert len(found) == min(available, most)
    assert all(start % window == 0 and start + length <= duration_ms for start, length in found)
    assert all(length == window or (start == whole * window and length == rest >= shortest) for start, length in found)
    assert all(start + length <= following for (start, length), (following, _) in pairwise(found))
    if len(found) > 1:
        steps = [(following[0] - before[0]) // window for before, following in pairwise(found)]
        assert max(steps) - min(steps) <= 1
    if available <= most:
        assert sum(length for _, length in found) == duration_ms - (rest if rest < shortest else 0)
