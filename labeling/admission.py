"""Which tracks may be used at all: opt-outs, a split that is known, the licence allow-list, and tracks too short for a clip."""

from labeling.settings import Corpus

OPTED_OUT = "opted_out"


def exclusion(
    track_id: str, licence: str | None, split: str | None, has_clips: bool, corpus: Corpus, opted_out: frozenset[str]
) -> str | None:
    """Why a track is left out: "opted_out", "no_split", "licence" or "too_short"; None when it is not.

    opted_out: ids of the tracks that the opt-out list names (labeling.opted_out). split: of `track_split`.
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
    """The split of a track whose row says `split`. Without a split column every track is "train"; with one, a track that it says nothing of
    is in `corpus.unmatched_split`, and in none where that is not given: what was kept for tests must not be trained on.
    """
    return split or (corpus.unmatched_split if corpus.columns.split else "train")


def licence_matches(licence: str | None, allowed: str) -> bool:
    """Equal but for case and white space; an `allowed` that ends with "*" matches what begins with the part before it."""
    if licence is None:
        return False
    given, wanted = _normalised(licence), _normalised(allowed)
    return given.startswith(wanted[:-1]) if wanted.endswith("*") else given == wanted


def _normalised(text: str) -> str:
    return " ".join(text.split()).casefold()
