"""Files that hold one recording: of each group one is kept, none where one of them is opted out, and none in train beside one held out."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from noise2music.labeling.corpus.clips import OPTED_OUT

TRAIN = "train"
LEAK = "leak"
NearCopies = Literal["exclude", "same_split", "keep"]


class Member(NamedTuple):
    """One file of a group. reason: why it is left out by itself ("" when it is not). described: whether the metadata table has it.
    split: "" where none is known.
    """

    key: str
    track_id: str
    sha256: str
    reason: str
    described: bool
    split: str


class Verdict(NamedTuple):
    """What becomes of a file because of another: the other's track id, and the reason for which this one is left out."""

    other: str
    reason: str


@dataclass(frozen=True)
class CopyGroups:
    """Copies that another measure than equal bytes has found (schemas.COPIES).

    group: track id -> id of its group, for tracks that have copies; files of equal bytes belong together in any case.
    same_audio: track id -> one id for all that have the same decoded audio; who is in a group and not here is a near copy.
    near_copies: what becomes of those (Corpus.near_copies).
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
    """One group -> (track id, verdict) for every file that is left out because of another: "opted_out" for all when one of them is.

    Else one of each recording is kept: the first of those that may be used, are held out (of another split than train), have metadata, by
    key. The others are "duplicate" (equal bytes), "audio_copy" (equal audio), or "leak" where their split is another than that of the
    kept one. Of the recordings that are left, near copies of each other, only the first stays ("exclude": "near_copy" or "leak"), or
    only those of one split ("same_split": "leak"), the first by name of those that are not train, or all ("keep").
    """
    ordered = sorted(members, key=_rank)
    out = sorted(member for member in ordered if member.reason == OPTED_OUT)
    if out:
        yield from ((member.track_id, Verdict(out[0].track_id, OPTED_OUT)) for member in ordered if member.reason != OPTED_OUT)
        return
    kept: dict[str, Member] = {}
    for member in ordered:
        first = kept.setdefault(groups.recording(member), member)
        if first != member:
            yield member.track_id, _verdict(first, member, "duplicate" if member.sha256 == first.sha256 else "audio_copy")
    usable = [member for member in kept.values() if not member.reason]
    for member in usable[1:]:
        if groups.near_copies == "exclude":
            yield member.track_id, _verdict(usable[0], member, "near_copy")
        elif groups.near_copies == "same_split" and member.split != usable[0].split:
            yield member.track_id, Verdict(usable[0].track_id, LEAK)


def _rank(member: Member) -> tuple[bool, bool, str, bool, str]:
    """Whom a group is told by: what may be used, what is held out, its split by name, what has metadata, its key."""
    return bool(member.reason), member.split == TRAIN, member.split, not member.described, member.key


def _verdict(kept: Member, member: Member, reason: str) -> Verdict:
    return Verdict(kept.track_id, LEAK if member.split != kept.split and not (member.reason or kept.reason) else reason)
