"""Decides which files of one recording are used: one of each group; none where one of them is opted out; none in train beside one that is
held out.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from noise2music.labeling.corpus.clips import OPTED_OUT

TRAIN = "train"
LEAK = "leak"
NearCopies = Literal["exclude", "same_split", "keep"]


class Member(NamedTuple):
    """One file of a group. reason: why it is left out by itself ("" when it is not). has_metadata: whether the metadata table has it.
    split: "" where none is known.
    """

    key: str
    track_id: str
    sha256: str
    reason: str
    has_metadata: bool
    split: str


class Verdict(NamedTuple):
    """Why a file is left out because of another. other: that file's track id. reason: of this file."""

    other: str
    reason: str


@dataclass(frozen=True)
class CopyGroups:
    """Copies that were recognised by their audio (schemas.COPIES), besides files of equal bytes.

    group: track id -> id of its group, for tracks that have copies. same_audio: track id -> one id for all with the same decoded audio; a
    track in a group but not in here is a near copy. near_copies: what happens to those (Corpus.near_copies).
    """

    group: Mapping[str, str] = field(default_factory=dict)
    same_audio: Mapping[str, str] = field(default_factory=dict)
    near_copies: NearCopies = "same_split"

    def recording(self, member: Member) -> str:
        """Equal for members with equal bytes or equal audio."""
        return self.same_audio.get(member.track_id, member.sha256)


NO_GROUPS = CopyGroups()


def group_of(same: Iterable[Member], groups: CopyGroups) -> tuple[str, list[Member]]:
    """Files of equal bytes -> the id of the group they belong to, and the files."""
    members = sorted(same)
    ids = sorted({groups.group[member.track_id] for member in members if member.track_id in groups.group})
    return ids[0] if ids else members[0].sha256, members


def judge(members: Iterable[Member], groups: CopyGroups = NO_GROUPS) -> Iterator[tuple[str, Verdict]]:
    """One group -> (track id, verdict) for every file that is left out because of another.

    Where one file is opted out, all are ("opted_out"). Otherwise one file of each recording stays. Preferred are files that may be used,
    then held-out ones (another split than train), then those with metadata, then the first by key. The others are "duplicate" (equal
    bytes), "audio_copy" (equal audio), or "leak" where their split differs from that of the file that stays.

    The remaining recordings are near copies of each other. `near_copies` decides: "exclude" keeps the first only (others are "near_copy" or
    "leak"), "same_split" keeps those of one split, held-out ones first (others are "leak"), "keep" keeps all.
    """
    ordered = sorted(members, key=_rank)
    out = sorted(member for member in ordered if member.reason == OPTED_OUT)
    if out:
        yield from ((member.track_id, Verdict(out[0].track_id, OPTED_OUT)) for member in ordered if member.reason != OPTED_OUT)
        return
    by_recording: dict[str, Member] = {}
    for member in ordered:
        first = by_recording.setdefault(groups.recording(member), member)
        if first != member:
            yield member.track_id, _verdict(first, member, "duplicate" if member.sha256 == first.sha256 else "audio_copy")
    usable = [member for member in by_recording.values() if not member.reason]
    for member in usable[1:]:
        if groups.near_copies == "exclude":
            yield member.track_id, _verdict(usable[0], member, "near_copy")
        elif groups.near_copies == "same_split" and member.split != usable[0].split:
            yield member.track_id, Verdict(usable[0].track_id, LEAK)


def _rank(member: Member) -> tuple[bool, bool, str, bool, str]:
    """The order of preference: usable, held out, split by name, with metadata, key."""
    return bool(member.reason), member.split == TRAIN, member.split, not member.has_metadata, member.key


def _verdict(preferred: Member, member: Member, reason: str) -> Verdict:
    is_leak = member.split != preferred.split and not (member.reason or preferred.reason)
    return Verdict(preferred.track_id, LEAK if is_leak else reason)
