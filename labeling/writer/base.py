"""The interface of all writers: many requests in, answers out in any order as they come."""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Protocol

from noise2music.core.errors import RowError
from noise2music.labeling.datasets.fingerprint import canonical_json

# One question to an LLM, and its answer, as plain values.


@dataclass(frozen=True)
class Message:
    """One turn of a chat. role: "system", "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True)
class Request:
    """A completion (`prompt`) or a chat (`messages`), never both. schema: the JSON schema that a reply must follow, as JSON text.

    `seed` is part of the request: equal requests give equal answers as far as the model is deterministic.
    """

    model: str
    prompt: str | None
    messages: tuple[Message, ...]
    schema: str | None
    stop: tuple[str, ...]
    temperature: float
    top_p: float
    max_tokens: int
    seed: int

    @property
    def key(self) -> str:
        """SHA-256 of the model's name and the canonical request: the key of the reply in the request cache."""
        return hashlib.sha256(canonical_json(asdict(self)).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Reply:
    """A reply. finish: "stop", "length", or another word of the server. seconds: of the try that succeeded. tries: 1 when none failed.

    note: what the server sent in place of a text, for example a tool call.
    """

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    tries: int = 1
    seconds: float = 0.0
    note: str | None = None


Answer = Reply | RowError
Keep = Callable[[Sequence[tuple[int, Answer]]], None]


class WriterStopped(Exception):
    """The writer has to stop: the server is gone, the key is refused, or the budget is spent. The message says what to do."""


class Writer(Protocol):
    """One LLM, ready to write. Safe to use from several threads.

    name: for people. identity: hash or name that decides the answers; enters the fingerprint.
    """

    name: str
    identity: str

    def write(self, requests: Sequence[Request], keep: Keep) -> None:
        """Answer every request. As answers come, `keep([(position, answer), ...])` is called on the caller's thread, each position once.

        A request is in flight until `keep` has returned. A request that fails alone is answered with a RowError. When `keep` raises
        WriterStopped, this writer sends no more requests for any caller; answers to those in flight still go to `keep`.

        Raises WriterStopped when the writer has to stop. All answers until then have gone to `keep`.
        """
        ...

    def close(self) -> None:
        """Let go of connections and memory; nothing is written after it."""
        ...

    def count_tokens(self, requests: Sequence[Request]) -> list[int] | None:
        """Tokens of each request's prompt; None when no tokeniser can be reached."""
        ...
