"""Where a track is cut: windows of equal length that do not overlap, and the rest when it is long enough."""

from dataclasses import dataclass

from labeling.ids import stable_id
from labeling.settings import Corpus


@dataclass(frozen=True)
class Clip:
    """A window of a track, in milliseconds."""

    clip_id: str
    start_ms: int
    length_ms: int


def cut_clips(track_id: str, duration_ms: int, corpus: Corpus) -> list[Clip]:
    """A track of `duration_ms` -> its clips in order of time; none when it is shorter than `corpus.min_seconds`.

    Windows of `clip_seconds` from the start on; a rest of at least `min_seconds` is a clip of its own. Where that makes more
    than `max_clips`, the track is divided into `max_clips` equal stretches and the window in the middle of each is taken.
    """
    window = max(1, round(corpus.clip_seconds * 1000))
    least = max(1, round(corpus.min_seconds * 1000))
    whole, rest = divmod(max(0, duration_ms), window)
    available = whole + (rest >= least)
    taken = min(available, corpus.max_clips)
    clips = []
    for place in range(taken):
        start = (2 * place + 1) * available // (2 * taken) * window
        length = min(window, duration_ms - start)
        clips.append(Clip(stable_id(track_id, start, length), start, length))
    return clips
