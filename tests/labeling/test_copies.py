from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from labeling.copies import CopyGroups, Member, Verdict, group_of, judge


def member(key: str, reason: str = "", sha256: str = "s", described: bool = True) -> Member:
    return Member(key, f"id of {key}", sha256, reason, described)


def verdicts(*members: Member, groups: CopyGroups | None = None) -> dict[str, tuple[str, str]]:
    """Key -> (the other's key, reason), the same in every order."""
    results = [sorted(judge(order, groups or CopyGroups())) for order in permutations(members)]
    assert all(result == results[0] for result in results)
    return {track.removeprefix("id of "): (said.other.removeprefix("id of "), said.reason) for track, said in results[0]}


def test_the_first_that_may_be_used_is_kept() -> None:
    assert verdicts(member("b"), member("a"), member("c")) == {"b": ("a", "duplicate"), "c": ("a", "duplicate")}
    assert verdicts(member("a", "licence"), member("b")) == {"a": ("b", "duplicate")}
    assert verdicts(member("a", "no_split"), member("b", "licence")) == {"b": ("a", "duplicate")}
    assert verdicts(member("a", described=False), member("b")) == {"a": ("b", "duplicate")}
    assert verdicts(member("a")) == {}


def test_one_opted_out_copy_takes_out_all() -> None:
    found = verdicts(member("a"), member("b", "opted_out"), member("c", "too_short"), member("d", sha256="t"))
    assert found == dict.fromkeys("acd", ("b", "opted_out"))


def test_copies_by_sound_are_told_from_equal_bytes_and_the_wanted_one_is_kept() -> None:
    groups = CopyGroups(kept=frozenset({"id of c"}))
    found = verdicts(member("a"), member("b", sha256="t"), member("c", sha256="t"), groups=groups)
    assert found == {"a": ("c", "audio_copy"), "b": ("c", "duplicate")}
    assert verdicts(member("a"), member("c", "licence", "t"), groups=groups) == {"c": ("a", "audio_copy")}


def test_equal_bytes_follow_the_one_that_has_a_group() -> None:
    groups = CopyGroups({"id of b": "g"})
    assert group_of([member("b"), member("a")], groups) == ("g", [member("a"), member("b")])
    assert group_of([member("a")], groups)[0] == "s"
    assert CopyGroups({"a": "1", "b": "2"}).digest() == CopyGroups({"b": "2", "a": "1"}).digest() != CopyGroups().digest()


@given(
    st.lists(
        st.tuples(st.sampled_from("abcdef"), st.sampled_from(["", "licence", "too_short"]), st.booleans()),
        min_size=1,
        unique_by=lambda m: m[0],
    )
)
def test_of_every_group_one_stays(members: list[tuple[str, str, bool]]) -> None:
    made = [member(key, reason, described=described) for key, reason, described in members]
    said = dict(judge(made))
    kept = [one for one in made if one.track_id not in said]
    assert len(kept) == 1
    assert set(said.values()) <= {Verdict(kept[0].track_id, "duplicate")}
    assert not kept[0].reason or all(one.reason for one in made)
