"""Who stays of a group of copies: closed forms, and what holds for every group."""

from hypothesis import given
from hypothesis import strategies as st

from noise2music.labeling.corpus.clips import OPTED_OUT
from noise2music.labeling.corpus.copies import LEAK, NO_GROUPS, TRAIN, CopyGroups, Member, Verdict, group_of, judge


def member(name: str, split: str = TRAIN, sha: str = "", reason: str = "", has_metadata: bool = True) -> Member:
    """A file of its own bytes, unless `sha` is given."""
    return Member(f"{name}.wav", name, sha or f"sha of {name}", reason, has_metadata, split)


def verdicts(*members: Member, groups: CopyGroups = NO_GROUPS) -> dict[str, Verdict]:
    """By track id; the same in any order of the members."""
    found = dict(judge(members, groups))
    assert dict(judge(members[::-1], groups)) == found
    return found


def same(*names: str) -> CopyGroups:
    """Files with one decoded audio."""
    return CopyGroups(dict.fromkeys(names, names[0]), dict.fromkeys(names, names[0]))


def test_equal_bytes_and_equal_audio_have_their_own_reasons() -> None:
    files = member("a", sha="x"), member("b", sha="x"), member("c")
    assert verdicts(*files, groups=same("a", "b", "c")) == {"b": Verdict("a", "duplicate"), "c": Verdict("a", "audio_copy")}


def test_of_copies_in_several_splits_the_one_that_is_held_out_stays() -> None:
    assert verdicts(member("a"), member("b", "test"), groups=same("a", "b")) == {"a": Verdict("b", LEAK)}
    assert verdicts(member("a", sha="x"), member("b", "eval", sha="x")) == {"a": Verdict("b", LEAK)}
    assert verdicts(member("a"), member("b", "test")) == {"a": Verdict("b", LEAK)}


def test_near_copies_of_one_split_all_stay() -> None:
    assert verdicts(member("a"), member("b")) == {}
    assert verdicts(member("a", "test"), member("b", "test")) == {}


def test_near_copies_in_two_splits_that_are_held_out() -> None:
    assert verdicts(member("a", "valid"), member("b", "test"), member("c")) == {"a": Verdict("b", LEAK), "c": Verdict("b", LEAK)}


def test_other_rules_for_near_copies() -> None:
    files = member("a"), member("b"), member("c", "test")
    assert verdicts(*files, groups=CopyGroups(near_copies="keep")) == {}
    assert verdicts(*files, groups=CopyGroups(near_copies="exclude")) == {"a": Verdict("c", LEAK), "b": Verdict("c", LEAK)}
    assert verdicts(*files[:2], groups=CopyGroups(near_copies="exclude")) == {"b": Verdict("a", "near_copy")}


def test_a_held_out_copy_that_may_not_be_used_leaks_nothing() -> None:
    assert verdicts(member("a"), member("b", "test", reason="licence")) == {}
    assert verdicts(member("a"), member("b", "test", reason="licence"), groups=same("a", "b")) == {"b": Verdict("a", "audio_copy")}


def test_one_that_is_opted_out_takes_all_with_it() -> None:
    files = member("a"), member("b", reason=OPTED_OUT), member("c", "test")
    for groups in (NO_GROUPS, CopyGroups(near_copies="keep"), same("a", "b", "c")):
        assert verdicts(*files, groups=groups) == {"a": Verdict("b", OPTED_OUT), "c": Verdict("b", OPTED_OUT)}


members = st.lists(
    st.builds(
        member,
        st.sampled_from("abcdefgh"),
        st.sampled_from([TRAIN, "test", "eval", ""]),
        st.sampled_from(["", "x", "y"]),
        st.sampled_from(["", "", "licence", OPTED_OUT]),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
    unique_by=lambda one: one.track_id,
)


@given(members, st.dictionaries(st.sampled_from("abcdefgh"), st.sampled_from("12")), st.sampled_from(["exclude", "same_split"]))
def test_what_stays_of_any_group(files: list[Member], audio: dict[str, str], rule: str) -> None:
    groups = CopyGroups({}, audio, rule)  # type: ignore[arg-type]
    found = verdicts(*files, groups=groups)
    used = [one for one in files if one.track_id not in found and not one.reason]
    usable = [one for one in files if not one.reason]
    if any(one.reason == OPTED_OUT for one in files):
        assert not used
        return
    assert bool(used) == bool(usable)
    assert len({one.split for one in used}) <= 1
    assert len({groups.recording(one) for one in used}) == len(used)
    if any(one.split != TRAIN for one in usable):
        assert not any(one.split == TRAIN for one in used)
    # A copy of a file that is itself left out names that file, which names one that stays.
    last = {track_id: found[other].other if (other := verdict.other) in found else other for track_id, verdict in found.items()}
    assert found.keys().isdisjoint(last.values())


def test_the_first_that_may_be_used_is_kept() -> None:
    assert verdicts(member("a", sha="x", reason="licence"), member("b", sha="x")) == {"a": Verdict("b", "duplicate")}
    both = member("a", sha="x", reason="no_split"), member("b", sha="x", reason="licence")
    assert verdicts(*both) == {"b": Verdict("a", "duplicate")}
    assert verdicts(member("a", sha="x", has_metadata=False), member("b", sha="x")) == {"a": Verdict("b", "duplicate")}
    assert verdicts(member("a")) == {}


def test_equal_bytes_follow_the_one_that_has_a_group() -> None:
    files = [member("a", sha="x"), member("b", sha="x")]
    assert group_of(files[::-1], CopyGroups({"b": "g"})) == ("g", files)
    assert group_of(files[:1], CopyGroups({"b": "g"}))[0] == "x"
