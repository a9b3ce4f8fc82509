"""write over one part: what is asked, what is not asked again, what a replay asks anew, and what it all cost."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.errors import RowError
from noise2music.core.storage import open_store
from noise2music.labeling.corpus.songs import Song, songs_table
from noise2music.labeling.datasets.dead_limit import DeadLimit, TooManyDead
from noise2music.labeling.datasets.parts import PartContext, part_of
from noise2music.labeling.stages.write import RequestBuilder, overlapping, write_part
from noise2music.labeling.writer.base import Keep, Reply, Request, WriterStopped
from noise2music.labeling.writer.prompt import load_prompt
from noise2music.labeling.writer.request_cache import RequestCache
from noise2music.labeling.writer_settings import Write

SONGS = songs_table(Song(f"Title {number}", "Somebody") for number in range(5))


class Echo:
    """A writer that says what it was asked, in pieces and out of order, and may refuse or stop."""

    name = identity = "echo"

    def __init__(self, stop_after: int | None = None, bad: Sequence[str] = (), refuse: Sequence[str] = ()) -> None:
        self.asked: list[Request] = []
        self.stop_after = stop_after
        self.bad = bad
        self.refuse = refuse

    def write(self, requests: Sequence[Request], keep: Keep) -> None:
        for position in reversed(range(len(requests))):
            if self.stop_after is not None and len(self.asked) >= self.stop_after:
                raise WriterStopped("enough")
            request = requests[position]
            self.asked.append(request)
            assert request.prompt is not None
            title = next(title for title in SONGS.column("title").to_pylist() if title in request.prompt)
            text = "" if title in self.bad else f"A song with seed {request.seed}."
            if title in self.refuse:
                keep([(position, RowError("server_error", "500"))])
            else:
                keep([(position, Reply(text, "stop", 10, 5, tries=2, seconds=0.5))])

    def count_tokens(self, _requests: Sequence[Request]) -> None:
        return None

    def close(self) -> None:
        return None


def run(
    folder: Path,
    writer: Echo,
    name: str = "one",
    attempt: int = 1,
    samples: int = 3,
    earlier: str | None = None,
    limit: DeadLimit | None = None,
) -> tuple[pa.Table, PartContext]:
    builder = RequestBuilder(load_prompt("songs-starter"), Write(samples=samples), writer.name, 7)
    store = open_store(str(folder))
    context = PartContext("write", 0, 1, attempt, limit)

    def find_earlier(keys: frozenset[str]) -> dict[str, Reply]:
        entries = RequestCache(store, f"write/{earlier}/requests/part-00000-of-00001").read().entries if earlier else ()
        return {entry.key: entry.answer for entry in entries if entry.key in keys and isinstance(entry.answer, Reply)}

    cache = RequestCache(store, f"write/{name}/requests/part-00000-of-00001")
    tables = list(
        write_part(context, SONGS, builder, writer, cache, find_earlier, lambda tokens_in, tokens_out: tokens_in + 2 * tokens_out)
    )
    return pa.concat_tables(tables) if tables else pa.table({}), context


def test_every_song_is_described_so_many_times_in_key_order(tmp_path: Path) -> None:
    writer = Echo()
    table, context = run(tmp_path, writer)
    rows = table.to_pylist()
    assert [(row["song_id"], row["sample"]) for row in rows] == [(i, s) for i in SONGS.column("song_id").to_pylist() for s in range(3)]
    assert len({request.seed for request in writer.asked}) == 15
    assert len({row["text"] for row in rows}) == 15
    wanted = {"replies": 15, "requests": 30, "retries": 15, "seconds": 7.5, "prompt_tokens": 150, "completion_tokens": 75, "price": 300}
    assert {name: context.stats[name] for name in wanted} == wanted
    assert not context.dead


def test_a_run_that_halted_goes_on_without_asking_again(tmp_path: Path) -> None:
    whole, _ = run(tmp_path / "whole", Echo())
    first = Echo(stop_after=4)
    with pytest.raises(WriterStopped):
        run(tmp_path, first)
    second = Echo()
    table, context = run(tmp_path, second)
    assert table.equals(whole)
    assert len(second.asked) == 11
    assert not {request.key for request in first.asked} & {request.key for request in second.asked}
    assert context.stats["requests"] == 30


def test_replies_of_another_dataset_are_taken_over_and_cost_nothing(tmp_path: Path) -> None:
    run(tmp_path, Echo())
    writer = Echo()
    table, context = run(tmp_path, writer, "two", samples=4, earlier="one")
    assert len(writer.asked) == 5
    assert (context.stats["reused"], context.stats["requests"], len(table)) == (15, 10, 20)
    again = Echo()
    assert run(tmp_path, again, "two", samples=4)[0].equals(table)
    assert again.asked == []


def test_an_unusable_reply_is_a_dead_letter_and_a_replay_asks_another_question(tmp_path: Path) -> None:
    table, context = run(tmp_path, Echo(bad=["Title 3"]))
    assert len(table) == 12
    assert {row["reason"] for row in context.dead} == {"empty"}
    replay = Echo()
    replayed, context = run(tmp_path, replay, "two", attempt=2, earlier="one")
    assert not context.dead
    assert len(replayed) == 15
    assert len(replay.asked) == 3
    kept = [row for row in replayed.to_pylist() if row["song_id"] in table.column("song_id").to_pylist()]
    assert kept == table.to_pylist()


def test_what_the_server_failed_at_is_dead_and_asked_again_as_it_was(tmp_path: Path) -> None:
    first = Echo(refuse=["Title 1"])
    _, context = run(tmp_path, first)
    assert [(row["reason"], row["error"]) for row in context.dead] == [("server_error", "500")] * 3
    second = Echo()
    assert len(run(tmp_path, second, "two", attempt=2, earlier="one")[0]) == 15
    assert {request.key for request in second.asked} < {request.key for request in first.asked}


def test_a_reply_of_another_dataset_that_cannot_be_used_is_asked_for_here(tmp_path: Path) -> None:
    run(tmp_path, Echo(bad=["Title 3"]))
    writer = Echo()
    table, context = run(tmp_path, writer, "two", samples=4, earlier="one")
    assert (len(table), len(writer.asked), context.stats["reused"]) == (20, 5 + 3, 12)


def test_a_stage_that_is_stopped_asks_again_for_what_could_not_be_used_and_for_nothing_else(tmp_path: Path) -> None:
    limit = DeadLimit(0.05, 1000, rows_before=900, dead_before=49)
    first = Echo(bad=["Title 1", "Title 3"])
    with pytest.raises(TooManyDead, match=r"51 of 1,000 rows are dead.*Reasons: empty: 2"):
        run(tmp_path, first, limit=limit)
    second = Echo()
    table, context = run(tmp_path, second)
    assert (len(table), context.dead) == (15, [])
    unusable = {request.key for request in first.asked if any(f"{title} " in f"{request.prompt} " for title in first.bad)}
    assert {request.key for request in first.asked} & {request.key for request in second.asked} == unusable
    assert context.stats["requests"] == 2 * (15 + len(unusable))


@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**64 - 1))
def test_a_part_of_another_partition_is_found_when_it_can_hold_the_same_id(parts: int, others: int, number: int) -> None:
    identifier = f"{number:016x}"
    found = overlapping(part_of(identifier, parts), parts, [(other, others) for other in range(others)])
    assert (part_of(identifier, others), others) in found
    assert len(found) <= others // parts + 2
