"""A real OpenAI-compatible server for tests: its replies are a pure function of the request, it counts, and it misbehaves when told to.

    python -m tests.llm_server --port 0 --port-file PORT --log REQUESTS --delay 0.02

As a process of its own it appends one line for each request that it begins to answer: a hash of the request's body.
"""

import argparse
import hashlib
import json
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

MOODS = ("calm", "sad", "bright", "dark", "playful", "tense", "warm", "majestic", "dreamy", "wild")
LEADS = ("piano", "violin", "flute", "trumpet", "electric guitar", "saxophone", "accordion", "cello", "harp", "synth lead")
BACKS = (
    "soft strings",
    "a walking bass",
    "brushed drums",
    "synth pads",
    "a church organ",
    "hand percussion",
    "slow chords",
    "a deep choir",
)
FORMS = (
    "A {mood} melody on the {lead} floats over {back}.",
    "The {lead} plays {mood} phrases while {back} fill the background.",
    "It is a {mood} piece with {lead} and {back}.",
)


@dataclass
class Answer:
    """What goes over the wire. drop: close in the middle of the body. trickle: seconds between bytes. after: what to wait for first."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"
    delay: float = 0.0
    drop: bool = False
    trickle: float = 0.0
    after: threading.Event | None = None


Script = Callable[[int, dict[str, Any]], Answer | None]
"""(how often this very request has come before, its body) -> what to do instead of answering, or None."""


def reply_text(body: dict[str, Any]) -> str:
    """Three sentences that depend on the request alone."""
    digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest()
    sentences = []
    for number in range(3):
        mood, lead, back, form = digest[4 * number : 4 * number + 4]
        words = {"mood": MOODS[mood % len(MOODS)], "lead": LEADS[lead % len(LEADS)], "back": BACKS[back % len(BACKS)]}
        sentences.append(FORMS[form % len(FORMS)].format(**words))
    return " ".join(sentences)


def good(body: dict[str, Any]) -> Answer:
    """The answer of a healthy server to a completion or a chat."""
    text = reply_text(body)
    if "messages" in body:
        if "response_format" in body:
            text = json.dumps({"sentences": text.replace(". ", ".\n").split("\n")})
        choice: dict[str, Any] = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}
        kind, prompt = "chat.completion", " ".join(turn["content"] for turn in body["messages"])
    else:
        choice = {"index": 0, "text": text, "finish_reason": "stop", "logprobs": None}
        kind, prompt = "text_completion", body["prompt"]
    tokens_in, tokens_out = len(prompt.split()), len(text.split())
    usage = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
    value = {"id": "x", "object": kind, "created": 0, "model": body["model"], "choices": [choice], "usage": usage}
    return Answer(body=json.dumps(value).encode())


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Answer:
    """An error as OpenAI-compatible servers send it."""
    return Answer(status, json.dumps({"error": {"message": message, "code": status}}).encode(), headers or {})


class Llm:
    """The server's state: what came, how often, how many at once."""

    def __init__(self, script: Script | None = None, delay: float = 0.0, log: Path | None = None) -> None:
        self.script = script
        self.delay = delay
        self.log = log
        self.seen: Counter[str] = Counter()
        self.bodies: list[dict[str, Any]] = []
        self.paths: Counter[str] = Counter()
        self.keys: Counter[str] = Counter()
        self.at_once = self.most_at_once = 0
        self.lock = threading.Lock()
        self.url = ""

    @property
    def requests(self) -> int:
        """Generations that were asked for."""
        return sum(self.seen.values())

    def answer(self, path: str, key: str, body: dict[str, Any]) -> Answer:
        """What to send, after counting."""
        with self.lock:
            self.paths[path] += 1
            self.keys[key] += 1
        if path == "/tokenize":
            return Answer(body=json.dumps({"count": len(body.get("prompt", "").split()), "max_model_len": 512}).encode())
        if path not in ("/v1/completions", "/v1/chat/completions"):
            return error(404, "Not Found")
        mark = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self.lock:
            before = self.seen[mark]
            self.seen[mark] += 1
            self.bodies.append(body)
            if self.log is not None:
                with open(self.log, "ab", buffering=0) as file:
                    file.write(mark.encode() + b"\n")
            scripted = self.script(before, body) if self.script else None
        return scripted or good(body)


def handler(llm: Llm) -> type[BaseHTTPRequestHandler]:
    """The HTTP side of a server."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with llm.lock:
                llm.at_once += 1
                llm.most_at_once = max(llm.most_at_once, llm.at_once)
            try:
                self.send(llm.answer(self.path, self.headers.get("Authorization", ""), body))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                with llm.lock:
                    llm.at_once -= 1

        def send(self, answer: Answer) -> None:
            if answer.after is not None:
                answer.after.wait(60)
            time.sleep(answer.delay or llm.delay)
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Type", answer.content_type)
            if "Content-Length" not in answer.headers:
                self.send_header("Content-Length", str(len(answer.body)))
            self.end_headers()
            if answer.drop:
                self.wfile.write(answer.body[: len(answer.body) // 2])
                self.close_connection = True
            elif answer.trickle:
                for number in range(len(answer.body)):
                    self.wfile.write(answer.body[number : number + 1])
                    self.wfile.flush()
                    time.sleep(answer.trickle)
            else:
                self.wfile.write(answer.body)

        def log_message(self, *_args: object) -> None:
            return

    return Handler


class _Server(ThreadingHTTPServer):
    """Says nothing about clients that went away: that is what they are told to do."""

    daemon_threads = True
    request_queue_size = 256
    allow_reuse_address = True

    def handle_error(self, _request: object, _client: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(_request, _client)  # type: ignore[arg-type]


@contextmanager
def serving(script: Script | None = None, delay: float = 0.0, port: int = 0) -> Iterator[Llm]:
    """A server in this process, on a free port of the loopback."""
    llm = Llm(script, delay)
    server = _Server(("127.0.0.1", port), handler(llm))
    llm.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield llm
    finally:
        server.shutdown()
        server.server_close()


def main() -> None:
    """Serve until killed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--port-file", type=Path, required=True)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--delay", type=float, default=0.02)
    arguments = parser.parse_args()
    server = _Server(("127.0.0.1", arguments.port), handler(Llm(delay=arguments.delay, log=arguments.log)))
    arguments.port_file.write_text(str(server.server_address[1]))
    server.serve_forever()


if __name__ == "__main__":
    main()
