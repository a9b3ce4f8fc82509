"""Which tracks may be used at all: the licence allow-list, the opt-out list, and tracks too short for a clip."""

import unicodedata
from collections.abc import Iterator

from labeling.settings import Corpus


def exclusion(
    key: str, track_id: str, sha256: str, licence: str | None, has_clips: bool, corpus: Corpus, opted_out: frozenset[str]
) -> str | None:
    """Why a track is left out: "opted_out", "licence" or "too_short"; None when it is not.

    opted_out: entries of `opt_out_keys`; a track is named by its key, its id or the sha256 of its file.
    licence: with an allow-list (`corpus.licences`), a track whose licence is not on it, or not known, is left out.
    """
    if not opted_out.isdisjoint((unicodedata.normalize("NFC", key), key, track_id, sha256)):
        return "opted_out"
    if corpus.licences is not None and not any(licence_matches(licence, allowed) for allowed in corpus.licences):
        return "licence"
    return None if has_clips else "too_short"


def licence_matches(licence: str | None, allowed: str) -> bool:
    """Equal but for case and white space; an `allowed` that ends with "*" matches what begins with the part before it."""
    if licence is None:
        return False
    given, wanted = _normalised(licence), _normalised(allowed)
    return given.startswith(wanted[:-1]) if wanted.endswith("*") else given == wanted


def opt_out_keys(text: str) -> Iterator[str]:
    """An opt-out list, one key, track id or sha256 a line; "#" starts a comment.

    A file's name may hold "#" too. Such a line counts both ways, whole and up to each "#": leaving out one track too many
    is the smaller fault. A key that holds a line break is named by its track id or sha256.
    """
    for line in text.removeprefix("\ufeff").split("\n"):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        ends = [place for place, mark in enumerate(line) if mark == "#"]
        for end in [*ends, len(line)]:
            entry = line[:end].strip()
            yield unicodedata.normalize("NFC", entry)
            if _is_hexadecimal(entry):
                yield entry.lower()


def _normalised(text: str) -> str:
    return " ".join(text.split()).casefold()


def _is_hexadecimal(text: str) -> bool:
    return len(text) in (16, 64) and all(mark in "0123456789abcdefABCDEF" for mark in text)
