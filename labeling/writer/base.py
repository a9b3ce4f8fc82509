"""What every writer can do: answer many requests, in any order, and say so as each answer comes."""

from collections.abc import Callable, Sequence
from typing import Protocol

from labeling.errors import RowError
from labeling.writer.request import Reply, Request

Answer = Reply | RowError
Keep = Callable[[Sequence[tuple[int, Answer]]], None]


class Halted(Exception):
    """The writer cannot or may not go on: the server is gone, the key is refused, the budget is spent. The message says what to do."""


class Writer(Protocol):
    """One LLM, ready to write. Safe to use from several threads.

    name: for people. identity: hash or name that decides the answers; enters the fingerprint.
    """

    name: str
    identity: str

    def write(self, requests: Sequence[Request], keep: Keep) -> None:
        """Answer every request. `keep([(position, answer), ...])` is called on the caller's thread as answers come, each position once.

        A request is in flight until `keep` has returned. A request that fails alone is answered with a RowError. Where `keep` raises Halted
        nothing more is asked of this writer, whoever asks; what is in flight is still given to `keep`.

        Raises Halted when it has to stop; what was answered by then has been kept.
        """
        ...

    def close(self) -> None:
        """Let go of connections and memory; nothing is written after it."""
        ...

    def count_tokens(self, requests: Sequence[Request]) -> list[int] | None:
        """Tokens of each request's prompt; None when no tokeniser can be reached."""
        ...
