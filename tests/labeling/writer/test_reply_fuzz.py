"""Mutated replies through the real transport: each is a reply, a dead row with its reason, or a halt in one line; never anything else."""

import json
import random
import resource
import time
from typing import Any

import pytest

from noise2music.core.errors import RowError
from noise2music.core.storage import open_store
from noise2music.labeling.corpus.songs import Song, songs_table
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.stages.write import RequestBuilder, write_part
from noise2music.labeling.writer.base import Reply
from noise2music.labeling.writer.parse_reply import read_answer
from noise2music.labeling.writer.prompt import load_prompt
from noise2music.labeling.writer.request_cache import RequestCache
from noise2music.labeling.writer.server import ServerWriter
from noise2music.labeling.writer_settings import Server, Write
from tests import llm_server
from tests.llm_server import good, serving

STRANGE: tuple[Any, ...] = (
    None, True, -1, 0, 1e308, 10**30, "", " \n", "\ud800", "\x00\x1b[31m", "x" * 200_000, [], {}, [[[]]], [None], ["a"], {"text": "t"},
    {"type": "text", "text": ["a"]}, [{"type": "thinking", "thinking": "hm"}], [{"type": "text", "text": "A calm piano."}, 3], float("nan"),
)  # fmt: skip
BYTES = (b"\xff\xfe", b"\x80", b"\xed\xa0\x80", b"\x00", b'"', b"{", b"}", b"[", b"]", b",", b"\\", b"\\u12", b"1e999", b"NaN")


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place in a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def changed(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The value with another one in a place."""
    if not path:
        return new
    copy = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(value[path[0]], path[1:], new)
    return copy


def mutated(body: bytes, chance: random.Random) -> llm_server.Answer:
    """A reply with one to three things wrong with it."""
    value = json.loads(body)
    for _ in range(chance.randrange(3)):
        value = changed(value, chance.choice(places(value)), chance.choice(STRANGE))
        if not isinstance(value, dict | list):
            break
    data = json.dumps(value).encode("utf-8", "surrogatepass")
    answer = llm_server.Answer(body=data)
    match chance.randrange(11):
        case 0:
            answer.body = data[: chance.randrange(len(data))]
        case 1:
            spot = chance.randrange(len(data))
            answer.body = data[:spot] + chance.choice(BYTES) + data[spot + chance.randrange(3) :]
        case 2:
            answer.body = b"data: " + data + b"\n\ndata: [DONE]\n\n"
            answer.content_type = "text/event-stream"
        case 3:
            answer.headers = {"Content-Length": str(chance.choice([0, 1, len(data) // 2]))}
        case 4:
            answer.drop = True
        case 5:
            answer.body, answer.content_type = b"<html><body>" + data[:50] + b"</body></html>", "text/html"
        case 6:
            answer.status = chance.choice([201, 204, 302, 400, 409, 418, 422, 451, 500, 502, 529])
        case 7:
            answer.body = b"[" * chance.choice([10, 5_000, 100_000]) + data
        case 8:
            answer.headers = {"Content-Encoding": chance.choice(["gzip", "br", "identity", "nonsense"])}
        case _:
            pass
    return answer


def send(number: int, seed: int, tmp_path: Any) -> dict[str, int]:
    """`number` songs described by a server that mutates every reply; what came of them, by kind."""
    prompt = load_prompt("songs-chat")
    chance = random.Random(seed)
    bodies: dict[int, llm_server.Answer] = {}

    def script(_before: int, body: dict[str, Any]) -> llm_server.Answer | None:
        if body["seed"] not in bodies:
            bodies[body["seed"]] = mutated(good(body).body, chance)
        return bodies[body["seed"]]

    songs = songs_table(Song(f"Nightfall {index}", "Quartz") for index in range(number))
    with serving(script) as llm:
        writer = ServerWriter(Server(url=llm.url, timeout=5, patience=1000, tries=2, concurrency=8), "m")
        try:
            context = PartContext("write", 0, 1)
            builder = RequestBuilder(prompt, Write(samples=1), "m", seed)
            cache = RequestCache(open_store(str(tmp_path)), f"requests-{seed}/part")
            tables = list(write_part(context, songs, builder, writer, cache, lambda _keys: {}, lambda _in, _out: 0.0))
        finally:
            writer.close()
    rows = sum(map(len, tables))
    assert rows + len(context.dead) == number
    assert len({row["key"] for row in context.dead}) == len(context.dead)
    for row in context.dead:
        assert row["reason"] in ("bad_reply", "bad_request", "server_error", "dropped", "empty", "cut", "filtered", "not_json", "too_long")
        assert str(row["error"]).strip()
        str(row["error"]).encode()
    for entry in cache.read().entries:
        if isinstance(entry.answer, Reply):
            try:
                read_answer(entry.answer, prompt)
            except RowError:
                continue
    kinds = {"reply": rows}
    for row in context.dead:
        kinds[str(row["reason"])] = kinds.get(str(row["reason"]), 0) + 1
    return kinds


@pytest.fixture(autouse=True)
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noise2music.labeling.writer.server.LONGEST_BACKOFF", 0.01)
    monkeypatch.setattr("noise2music.labeling.writer.circuit.SHORTEST", 0.001)
    monkeypatch.setattr("noise2music.labeling.writer.circuit.LONGEST", 0.005)


def test_three_hundred_mutated_replies_are_replies_or_dead_rows(tmp_path: Any) -> None:
    kinds = send(300, 1, tmp_path)
    assert kinds["reply"] > 40
    assert len(kinds) >= 5


@pytest.mark.slow
def test_two_thousand_mutated_replies(tmp_path: Any) -> None:
    before, started = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter()
    total: dict[str, int] = {}
    for seed in range(2, 12):
        for kind, rows in send(200, seed, tmp_path).items():
            total[kind] = total.get(kind, 0) + rows
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(total, f"{time.perf_counter() - started:.1f} s, {grown:.0f} MiB more")
    assert sum(total.values()) == 2000
    assert grown < 500
