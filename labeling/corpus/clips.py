"""Cuts a track into clips: windows of equal length without overlap, and the rest where it is long enough."""

from dataclasses import dataclass

from noise2music.core.ids import stable_id
from noise2music.labeling.settings import Corpus

# Which tracks may be used at all: opt-outs, a split that is known, the licence allow-list, and tracks too short for a clip.


OPTED_OUT = "opted_out"


def exclusion_reason(
    track_id: str, licence: str | None, split: str | None, has_clips: bool, corpus: Corpus, opted_out: frozenset[str]
) -> str | None:
    """Why a track is left out: "opted_out", "no_split", "licence" or "too_short"; None when it is not.

    opted_out: ids of the tracks that the opt-out list names (labeling.corpus.opted_out). split: of `track_split`.
    licence: with an allow-list (`corpus.licences`), a track whose licence is not on it, or not known, is left out.
    """
    if track_id in opted_out:
        return OPTED_OUT
    if split is None:
        return "no_split"
    if corpus.licences is not None and not any(licence_matches(licence, allowed) for allowed in corpus.licences):
        return "licence"
    return None if has_clips else "too_short"


def track_split(split: str | None, corpus: Corpus) -> str | None:
    """The split of a track, given the `split` of its row. Without a split column every track is "train". With one, a track without a
    value is in `corpus.unmatched_split`, or in no split where that is None: it may be test data, which must not be trained on.
    """
    return split or (corpus.unmatched_split if corpus.columns.split else "train")


def licence_matches(licence: str | None, allowed: str) -> bool:
    """Whether both are equal without regard to case and white space. An `allowed` that ends with "*" matches by its beginning."""
    if licence is None:
        return False
    text, pattern = _normalised(licence), _normalised(allowed)
    return text.startswith(pattern[:-1]) if pattern.endswith("*") else text == pattern


def _normalised(text: str) -> str:
    return " ".join(text.split()).casefold()


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
    count = min(available, corpus.max_clips)
    clips = []
    for number in range(count):
        start = (2 * number + 1) * available // (2 * count) * window
        length = min(window, duration_ms - start)
        clips.append(Clip(stable_id(track_id, start, length), start, length))
    return clips
