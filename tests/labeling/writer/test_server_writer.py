"""The server writer against a real HTTP server that misbehaves in every way that servers do."""

import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest

from noise2music.core.errors import RowError
from noise2music.labeling.writer.base import Answer, Message, Reply, Request, WriterStopped
from noise2music.labeling.writer.server import ServerWriter
from noise2music.labeling.writer_settings import Budget, ParameterNames, Server
from tests import llm_server
from tests.llm_server import Llm, Script, error, good, serving

SCHEMA = '{"type": "object", "properties": {"sentences": {"type": "array", "items": {"type": "string"}}}}'


def request(number: int = 0, model: str = "m") -> Request:
    return Request(model, f"Song {number} by nobody :", (), None, ("\n",), 1.0, 0.9, 50, number)


def chat(number: int = 0) -> Request:
    return Request("m", None, (Message("user", f"Song {number}"),), SCHEMA, (), 1.0, 0.9, 50, number)


def ask(server: Server, requests: list[Request]) -> tuple[dict[int, Answer], str | None]:
    """Answers by position, and why the writer halted."""
    writer = ServerWriter(server, "m")
    kept: dict[int, Answer] = {}

    def keep(batch: Any) -> None:
        assert not set(kept) & {position for position, _ in batch}
        kept.update(batch)

    try:
        writer.write(requests, keep)
        return kept, None
    except WriterStopped as halted:
        return kept, str(halted)
    finally:
        writer.close()


def served(llm: Llm, **changes: Any) -> Server:
    return Server(**{"url": llm.url, "timeout": 5.0, "patience": 20.0, "api_key_env": "N2M_TEST_KEY", **changes})


@pytest.fixture(autouse=True)
def short_backoff(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("noise2music.labeling.writer.server.LONGEST_BACKOFF", 0.05)
    monkeypatch.setattr("noise2music.labeling.writer.circuit.SHORTEST", 0.05)
    monkeypatch.setattr("noise2music.labeling.writer.circuit.LONGEST", 0.1)


def once(answer: Answer | llm_server.Answer, number: int = 0) -> Script:
    """Misbehave at the first try of one request."""

    def script(before: int, body: dict[str, Any]) -> llm_server.Answer | None:
        return answer if before == 0 and body["seed"] == number else None  # type: ignore[return-value]

    return script


def always(answer: llm_server.Answer, number: int = 0) -> Script:
    return lambda _before, body: answer if body["seed"] == number else None


def text_of(number: int) -> str:
    one = request(number)
    body = {"model": "m", "prompt": one.prompt, "max_tokens": 50, "seed": number, "stop": ["\n"], "temperature": 1.0, "top_p": 0.9}
    return llm_server.reply_text(body)


def test_every_request_is_answered_once_and_slots_are_kept_full() -> None:
    with serving(delay=0.05) as llm:
        kept, halted = ask(served(llm, concurrency=8), [request(number) for number in range(64)])
    assert halted is None
    assert [kept[number].text for number in range(64)] == [text_of(number) for number in range(64)]  # type: ignore[union-attr]
    assert set(llm.seen.values()) == {1}
    assert llm.most_at_once == 8


def test_a_slow_reply_holds_nobody_up() -> None:
    order: list[int] = []
    others_are_done = threading.Event()

    def keep(batch: Any) -> None:
        order.extend(position for position, _ in batch)
        if len(order) == 29:
            others_are_done.set()

    def script(_before: int, body: dict[str, Any]) -> llm_server.Answer | None:
        return llm_server.Answer(body=good(body).body, after=others_are_done) if body["seed"] == 0 else None

    with serving(script) as llm:
        writer = ServerWriter(served(llm, concurrency=2), "m")
        writer.write([request(number) for number in range(30)], keep)
        writer.close()
    assert sorted(order) == list(range(30))
    assert order[-1] == 0


MISBEHAVIOUR: dict[str, llm_server.Answer] = {
    "429": error(429, "slow down"),
    "429 with Retry-After": error(429, "slow down", {"Retry-After": "1"}),
    "500": error(500, "boom"),
    "500 with Retry-After": error(500, "boom", {"Retry-After": "1"}),
    "503": error(503, "loading"),
    "half a JSON": llm_server.Answer(body=b'{"id": "x", "choices": [{"te'),
    "nothing": llm_server.Answer(body=b""),
    "HTML": llm_server.Answer(body=b"<html><body>nginx</body></html>", content_type="text/html"),
    "HTML that calls itself JSON": llm_server.Answer(body=b"<html></html>"),
    "dropped in the body": llm_server.Answer(body=b"x" * 1000, drop=True),
    "after 90 s": llm_server.Answer(body=b"{}", delay=3.0),
    "a byte at a time": llm_server.Answer(body=b" " * 100, trickle=0.1),
    "an error with status 200": llm_server.Answer(body=b'{"error": {"message": "no"}}'),
    "no choices": llm_server.Answer(body=b'{"object": "text_completion", "choices": []}'),
    "a list": llm_server.Answer(body=b"[]"),
    "null": llm_server.Answer(body=b"null"),
}


@pytest.mark.parametrize("what", MISBEHAVIOUR)
def test_what_may_pass_is_tried_again(what: str) -> None:
    with serving(once(MISBEHAVIOUR[what])) as llm:
        started = time.perf_counter()
        kept, halted = ask(served(llm, timeout=0.6), [request(number) for number in range(3)])
        seconds = time.perf_counter() - started
    assert halted is None
    reply = kept[0]
    assert isinstance(reply, Reply)
    assert (reply.text, reply.tries) == (text_of(0), 2)
    assert sorted(llm.seen.values()) == [1, 1, 2]
    assert (seconds > 1) == ("Retry-After" in what)


@pytest.mark.parametrize("what", ["500", "half a JSON", "HTML", "nothing"])
def test_a_request_that_always_fails_dies_alone(what: str) -> None:
    with serving(always(MISBEHAVIOUR[what])) as llm:
        kept, halted = ask(served(llm, tries=3, concurrency=1), [request(number) for number in range(3)])
    assert halted is None
    assert isinstance(kept[0], RowError)
    assert kept[0].reason in ("server_error", "bad_reply")
    assert "(3 tries)" in str(kept[0])
    assert isinstance(kept[1], Reply)
    assert sorted(llm.seen.values()) == [1, 1, 3]


@pytest.mark.parametrize(("status", "reason"), [(400, "bad_request"), (413, "bad_request"), (422, "bad_request")])
def test_a_request_that_is_refused_is_never_sent_again(status: int, reason: str) -> None:
    with serving(always(error(status, "the prompt is too long"))) as llm:
        kept, halted = ask(served(llm), [request(number) for number in range(3)])
    assert halted is None
    assert isinstance(kept[0], RowError)
    assert (kept[0].reason, "the prompt is too long" in str(kept[0])) == (reason, True)
    assert set(llm.seen.values()) == {1}


def test_ten_megabytes_are_not_read_and_die_alone() -> None:
    with serving(always(llm_server.Answer(body=b" " * 10_000_000))) as llm:
        kept, halted = ask(served(llm), [request(number) for number in range(3)])
    assert halted is None
    assert isinstance(kept[0], RowError)
    assert kept[0].reason == "too_long"
    assert isinstance(kept[2], Reply)
    assert set(llm.seen.values()) == {1}


@pytest.mark.parametrize(("status", "advice"), [(401, "N2M_TEST_KEY"), (403, "N2M_TEST_KEY"), (404, "served name")])
def test_what_only_a_person_can_mend_stops_the_run_at_once(status: int, advice: str) -> None:
    with serving(lambda _before, _body: error(status, "no")) as llm:
        kept, halted = ask(served(llm, concurrency=2), [request(number) for number in range(50)])
    assert kept == {}
    assert halted is not None
    assert advice in halted
    assert llm.requests <= 2


def test_a_key_that_the_server_repeats_is_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("N2M_TEST_KEY", "sk-very-secret")
    with serving(lambda _before, _body: error(401, "Incorrect API key provided: sk-very-secret.")) as llm:
        _, halted = ask(served(llm), [request()])
    assert halted is not None
    assert "sk-very-secret" not in halted
    assert set(llm.keys) == {"Bearer sk-very-secret"}
    with serving(always(error(400, "bad sk-very-secret"))) as llm:
        kept, _ = ask(served(llm), [request()])
    assert "sk-very-secret" not in str(kept[0])


def test_retry_after_as_a_date_is_honoured() -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(seconds=3), usegmt=True)
    with serving(once(error(503, "busy", {"Retry-After": date}))) as llm:
        started = time.perf_counter()
        kept, _ = ask(served(llm), [request()])
        assert time.perf_counter() - started > 1.5
    assert isinstance(kept[0], Reply)


def test_the_whole_run_waits_when_the_server_asks_for_it() -> None:
    times: list[float] = []

    def script(_before: int, _body: dict[str, Any]) -> llm_server.Answer | None:
        times.append(time.perf_counter())
        return error(429, "slow down", {"Retry-After": "1"}) if len(times) == 1 else None

    with serving(script) as llm:
        kept, _ = ask(served(llm, concurrency=1), [request(number) for number in range(3)])
    assert len(kept) == 3
    assert times[1] - times[0] > 0.9


def test_a_wait_that_is_longer_than_the_patience_stops_the_run() -> None:
    with serving(lambda _before, _body: error(429, "quota", {"Retry-After": "3600"})) as llm:
        _, halted = ask(served(llm), [request()])
    assert halted is not None
    assert "3600 s" in halted


def test_a_server_that_is_gone_stops_the_run_and_nothing_dies() -> None:
    with serving() as llm:
        url = llm.url
    kept, halted = ask(Server(url=url, patience=0.4, concurrency=4), [request(number) for number in range(20)])
    assert kept == {}
    assert halted is not None
    assert "has answered nothing for" in halted
    assert "will not be asked again" in halted


def test_an_outage_is_survived_with_few_probes_and_no_death() -> None:
    outage = {"until": 0.0, "asked": 0}

    def script(_before: int, _body: dict[str, Any]) -> llm_server.Answer | None:
        if time.perf_counter() < outage["until"]:
            outage["asked"] += 1
            return error(500, "engine dead")
        return None

    with serving(script, delay=0.005) as llm:
        outage["until"] = time.perf_counter() + 1.5
        kept, halted = ask(served(llm, concurrency=16), [request(number) for number in range(60)])
    assert halted is None
    assert len(kept) == 60
    assert all(isinstance(answer, Reply) for answer in kept.values())
    assert outage["asked"] < 16 + 1.5 / 0.1 + 10


def test_many_requests_that_always_fail_die_in_the_end() -> None:
    with serving(lambda _before, body: error(500, "boom") if body["seed"] < 8 else None) as llm:
        kept, halted = ask(served(llm, tries=3), [request(number) for number in range(20)])
    assert halted is None
    assert [number for number in range(20) if isinstance(kept[number], RowError)] == list(range(8))


def test_a_budget_of_requests_is_exact_and_says_what_was_spent() -> None:
    with serving() as llm:
        kept, halted = ask(served(llm, concurrency=8, budget=Budget(requests=10)), [request(number) for number in range(30)])
    assert (len(kept), llm.requests) == (10, 10)
    assert halted is not None
    assert "10 requests" in halted


@pytest.mark.parametrize("budget", [Budget(tokens=1000), Budget(money=0.001)])
def test_a_budget_of_tokens_or_money_is_not_passed(budget: Budget) -> None:
    prices = {"input_price": 1.0, "output_price": 1.0}
    with serving(delay=0.01) as llm:
        kept, halted = ask(served(llm, concurrency=8, budget=budget, **prices), [request(number) for number in range(100)])
    spent = sum(answer.prompt_tokens + answer.completion_tokens for answer in kept.values() if isinstance(answer, Reply))
    assert halted is not None
    assert 800 < spent <= 1000
    assert llm.requests == len(kept)


def test_a_chat_asks_by_schema_where_the_server_offers_it() -> None:
    with serving() as llm:
        kept, _ = ask(served(llm), [chat(number) for number in range(3)])
    assert all(isinstance(answer, Reply) and answer.text.startswith('{"sentences"') for answer in kept.values())
    assert all(body["response_format"]["type"] == "json_schema" for body in llm.bodies)


def test_a_server_without_schemas_is_asked_without_and_told_once() -> None:
    def script(_before: int, body: dict[str, Any]) -> llm_server.Answer | None:
        return error(400, "response_format is not supported") if "response_format" in body else None

    with serving(script) as llm:
        kept, _ = ask(served(llm, concurrency=1), [chat(number) for number in range(5)])
    assert all(isinstance(answer, Reply) for answer in kept.values())
    assert sum("response_format" in body for body in llm.bodies) == 1


def test_threads_share_the_slots_of_their_process() -> None:
    with serving(delay=0.02) as llm:
        writer = ServerWriter(served(llm, concurrency=4), "m")
        kept: list[list[int]] = [[], [], []]

        def work(index: int) -> Callable[[], None]:
            requests = [request(100 * index + number) for number in range(20)]
            return lambda: writer.write(requests, lambda batch: kept[index].extend(position for position, _ in batch))

        threads = [threading.Thread(target=work(index)) for index in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        writer.close()
    assert [sorted(one) for one in kept] == [list(range(20))] * 3
    assert llm.most_at_once == 4


def test_an_error_of_the_keeper_ends_the_asking_and_frees_the_slots() -> None:
    with serving(delay=0.01) as llm:
        writer = ServerWriter(served(llm, concurrency=4), "m")

        def broken(_batch: Any) -> None:
            raise OSError("disk full")

        with pytest.raises(OSError, match="disk full"):
            writer.write([request(number) for number in range(200)], broken)
        assert llm.requests < 30
        kept: list[int] = []
        writer.write([request(number) for number in range(300, 320)], lambda batch: kept.extend(position for position, _ in batch))
        writer.close()
    assert sorted(kept) == list(range(20))


def test_tokens_are_counted_by_the_server_or_by_nobody() -> None:
    with serving() as llm:
        writer = ServerWriter(served(llm), "m")
        assert writer.count_tokens([request(1), request(22)]) == [5, 5]
        writer.close()
        assert llm.requests == 0
    writer = ServerWriter(Server(url=llm.url, timeout=1), "m")
    assert writer.count_tokens([request(1)]) is None
    writer.close()


UNSUPPORTED = "Unsupported parameter: '{0}' is not supported with this model."
REFUSALS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "max_tokens": ({"error": {"message": f"{UNSUPPORTED.format('max_tokens')} Use 'max_completion_tokens' instead."}}, {"status": 400}),
    "top_p": ({"error": {"message": "Unsupported value", "param": "top_p", "code": "unsupported_value"}}, {"status": 400}),
    "temperature": ({"error": {"message": "temperature is deprecated for this model"}}, {"status": 400}),
    "seed": ({"detail": [{"type": "extra_forbidden", "loc": ["body", "seed"], "msg": "Extra inputs are not permitted"}]}, {"status": 422}),
    "stop": ({"object": "error", "message": "Unrecognized request argument supplied: stop"}, {"status": 400}),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_parameter_that_the_server_refuses_is_renamed_or_left_out_once_and_said(name: str, caplog: pytest.LogCaptureFixture) -> None:
    said, status = REFUSALS[name]

    def script(_before: int, body: dict[str, Any]) -> llm_server.Answer | None:
        return llm_server.Answer(status["status"], json.dumps(said).encode()) if name in body else None

    with serving(script) as llm:
        kept, halted = ask(served(llm, concurrency=4), [request(number) for number in range(40)])
        assert halted is None
        assert all(isinstance(answer, Reply) and answer.tries == 1 for answer in kept.values())
        assert 1 <= sum(name in body for body in llm.bodies) <= 4
        assert len(llm.bodies) - sum(name in body for body in llm.bodies) == 40
        assert all(("max_completion_tokens" in body) == (name == "max_tokens") for body in llm.bodies if name not in body)
    assert caplog.text.count(f"the server does not take {name}") == 1


def test_two_parameters_that_are_refused_are_both_left_out() -> None:
    def script(_before: int, body: dict[str, Any]) -> llm_server.Answer | None:
        first = next((name for name in ("seed", "top_p") if name in body), None)
        return error(400, UNSUPPORTED.format(first)) if first else None

    with serving(script) as llm:
        writer = ServerWriter(served(llm, concurrency=1), "m")
        writer.write([request(number) for number in range(5)], lambda _batch: None)
        assert [change.split(":")[0] for change in writer.changes] == [f"the server does not take {name}" for name in ("seed", "top_p")]
        writer.close()
        assert llm.requests == 7


def test_words_about_one_prompt_change_no_parameter() -> None:
    """The server refuses one prompt for its words, among them the name of a parameter."""
    refusal = error(400, "'seed' is not allowed in prompts")
    with serving(lambda _before, body: refusal if body["prompt"].startswith("Song 3 ") else None) as llm:
        kept, _ = ask(served(llm, concurrency=1), [request(number) for number in range(8)])
        assert [number for number in range(8) if isinstance(kept[number], RowError)] == [3]
        assert sum("seed" not in body for body in llm.bodies) == 1
    for words in (
        "max_tokens is too large: 9999. This model takes at most 4096",
        "This model's maximum context length is 512 (max_tokens: 50)",
    ):
        with serving(lambda _before, _body, words=words: error(400, words)) as llm:  # type: ignore[misc]
            kept, _ = ask(served(llm), [request()])
            assert words in str(kept[0])
            assert llm.requests == 1


def test_parameters_are_called_as_configured() -> None:
    names = ParameterNames(max_tokens="max_completion_tokens", top_p=False, seed="")
    with serving() as llm:
        kept, _ = ask(served(llm, parameters=names), [request()])
        assert isinstance(kept[0], Reply)
        assert set(llm.bodies[0]) == {"model", "prompt", "stop", "temperature", "max_completion_tokens"}
    for wrong in ({"max_length": "n"}, {"seed": "top_p"}, {"seed": "model"}, {"seed": "two words"}):
        with pytest.raises(ValueError, match="Extra inputs|two parameters|pattern"):
            ParameterNames.model_validate(wrong)


def test_a_server_that_answers_without_replies_is_not_told_to_be_started() -> None:
    with serving(lambda _before, _body: llm_server.Answer(body=b"<html>Welcome to nginx!</html>", content_type="text/html")) as llm:
        _, halted = ask(served(llm, patience=0.3), [request(number) for number in range(20)])
    assert halted is not None
    assert "answers, but has sent no reply" in halted
    assert "Welcome to nginx!" in halted
    assert "Start it" not in halted


def test_a_keeper_that_stops_gets_what_is_in_flight_and_nothing_more_is_sent() -> None:
    kept: list[int] = []

    def keep(batch: Any) -> None:
        kept.extend(position for position, _ in batch)
        if len(kept) >= 10:
            raise WriterStopped("enough")

    with serving(delay=0.02) as llm:
        writer = ServerWriter(served(llm, concurrency=4), "m")
        with pytest.raises(WriterStopped, match="enough"):
            writer.write([request(number) for number in range(200)], keep)
        assert len(kept) == len(set(kept)) == llm.requests <= 18
        with pytest.raises(WriterStopped, match="enough"):
            writer.write([request(500)], keep)
        assert llm.requests <= 18
        writer.close()
