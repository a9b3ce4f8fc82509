"""Files that hold one recording: of each group one is kept, and none where one of them is opted out."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from labeling.admission import OPTED_OUT
from labeling.fingerprint import canonical_json


class Member(NamedTuple):
    """One file of a group. reason: why it is left out by itself ("" when it is not). described: whether the metadata table has it."""

    key: str
    track_id: str
    sha256: str
    reason: str
    described: bool


class Verdict(NamedTuple):
    """What becomes of a file because of another: the other's track id, and the reason for which this one is left out."""

    other: str
    reason: str


@dataclass(frozen=True)
class CopyGroups:
    """Copies that another measure than equal bytes has found.

    group: track id -> id of its group, for tracks that have copies; files of equal bytes belong together in any case.
    kept: track ids that are to be kept before others of their group.
    """

    group: Mapping[str, str] = field(default_factory=dict)
    kept: frozenset[str] = frozenset()

    def digest(self) -> str:
        """SHA-256 of all that it says."""
        return hashlib.sha256(canonical_json([sorted(self.group.items()), sorted(self.kept)]).encode()).hexdigest()


NO_GROUPS = CopyGroups()


def group_of(same: Iterable[Member], groups: CopyGroups) -> tuple[str, list[Member]]:
    """Files of equal bytes -> the id of the group they belong to, and the files."""
    members = sorted(same)
    ids = sorted({groups.group[member.track_id] for member in members if member.track_id in groups.group})
    return ids[0] if ids else members[0].sha256, members


def judge(members: Iterable[Member], groups: CopyGroups = NO_GROUPS) -> Iterator[tuple[str, Verdict]]:
    """One group -> (track id, verdict) for every file that is left out because of another: "opted_out" for all when one of them is; else
    "duplicate" (equal bytes) or "audio_copy" for all but the one that is kept. That is the first of those that may be used, are named by
    `groups.kept`, have metadata, by key.
    """
    ordered = sorted(members)
    out = [member for member in ordered if member.reason == OPTED_OUT]
    if out:
        yield from ((member.track_id, Verdict(out[0].track_id, OPTED_OUT)) for member in ordered if member.reason != OPTED_OUT)
        return
    kept = min(ordered, key=lambda one: (bool(one.reason), one.track_id not in groups.kept, not one.described, one.key))
    for member in ordered:
        if member != kept:
            yield member.track_id, Verdict(kept.track_id, "duplicate" if member.sha256 == kept.sha256 else "audio_copy")
