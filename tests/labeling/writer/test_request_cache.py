"""The request cache: what was appended comes back, whatever was torn, and on an object store too."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.errors import RowError, UserError
from noise2music.core.storage import Store, open_store
from noise2music.labeling.writer import request_cache as module
from noise2music.labeling.writer.base import Reply
from noise2music.labeling.writer.request_cache import Entry, RequestCache

PREFIX = "write/abc/requests/part-00000-of-00002"


def entry(number: int, text: str = "A song.") -> Entry:
    return Entry(f"{number:064x}", Reply(text, "stop", 10, number, tries=2, seconds=0.25), reused=number % 2 == 0)


def same(left: Entry, right: Entry) -> bool:
    return (left.key, repr(left.answer), left.reused) == (right.key, repr(right.answer), right.reused)


@given(st.lists(st.text(), max_size=5))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    store = open_store(str(tmp_path_factory.mktemp("root")))
    cache = RequestCache(store, PREFIX)
    entries = [entry(number, text) for number, text in enumerate(texts)]
    for one in entries:
        cache.append([one])
    found = RequestCache(store, PREFIX).read()
    assert len(found.entries) == len(entries)
    assert all(same(*pair) for pair in zip(found.entries, entries, strict=True))
    assert found.damaged == 0


def test_a_failure_is_kept_with_its_reason(tmp_path: Path) -> None:
    cache = RequestCache(open_store(str(tmp_path)), PREFIX)
    cache.append([Entry("k", RowError("bad_request", "400: too long"))])
    (found,) = cache.read().entries
    assert isinstance(found.answer, RowError)
    assert (found.answer.reason, str(found.answer)) == ("bad_request", "400: too long")


def test_what_is_taken_back_is_no_reply_until_it_is_answered_anew(tmp_path: Path) -> None:
    cache = RequestCache(open_store(str(tmp_path)), PREFIX)
    cache.append([Entry("a", Reply("", "stop", 1, 1, note="the text is null")), Entry("b", Reply("A song.", "stop", 1, 1))])
    cache.append([Entry.ask_again("a")])
    found = cache.read()
    assert set(found.replies) == {"b"}
    assert [entry.again for entry in found.entries] == [False, False, True]
    assert found.entries[0].answer == Reply("", "stop", 1, 1, note="the text is null")
    cache.append([Entry("a", Reply("Another song.", "stop", 1, 1))])
    assert {key: reply.text for key, reply in cache.read().replies.items()} == {"a": "Another song.", "b": "A song."}


def test_lines_that_were_torn_at_any_byte_lose_themselves_alone(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    RequestCache(store, PREFIX).append([entry(1), entry(2)])
    path = tmp_path / f"{PREFIX}.jsonl"
    whole = path.read_bytes()
    first = whole.index(b"\n") + 1
    for cut in range(len(whole)):
        path.write_bytes(whole[:cut])
        RequestCache(store, PREFIX).append([entry(3)])
        found = RequestCache(store, PREFIX).read()
        numbers = [int(one.key, 16) for one in found.entries]
        assert numbers == [1] * (cut >= first - 1) + [2] * (cut >= len(whole) - 1) + [3]
        assert found.damaged == (0 < cut < first - 1 or first < cut < len(whole) - 1)


def test_a_changed_byte_is_noticed(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    RequestCache(store, PREFIX).append([entry(1), entry(2)])
    path = tmp_path / f"{PREFIX}.jsonl"
    path.write_bytes(path.read_bytes().replace(b"A song.", b"B song.", 1))
    found = RequestCache(store, PREFIX).read()
    assert ([int(one.key, 16) for one in found.entries], found.damaged) == ([2], 1)


def test_parts_do_not_read_each_other(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    RequestCache(store, "requests/part-00001-of-00010").append([entry(1)])
    assert RequestCache(store, "requests/part-00000-of-00010").read().entries == ()
    assert RequestCache(store, "elsewhere/part-00000-of-00010").read().entries == ()


def test_an_object_store_gets_segments_and_no_writer_overwrites_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SEGMENT_BYTES", 500)
    store = Store("memory:///")
    one, two = RequestCache(store, PREFIX), RequestCache(store, PREFIX)
    for number in range(0, 20, 2):
        one.append([entry(number)])
        two.append([entry(number + 1)])
    found = RequestCache(store, PREFIX).read()
    assert sorted(int(each.key, 16) for each in found.entries) == list(range(20))
    sizes = [each.bytes for each in store.entries()]
    assert len(sizes) >= 6
    assert max(sizes) <= 500


def test_a_full_or_read_only_disk_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "write").write_text("a file where a folder should be")
    with pytest.raises(UserError, match="cannot write .*Free space or mend the permissions"):
        RequestCache(open_store(str(tmp_path)), PREFIX).append([entry(1)])
