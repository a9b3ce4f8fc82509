"""One question to an LLM, and its answer, as plain values."""

import hashlib
from dataclasses import asdict, dataclass

from labeling.fingerprint import canonical_json


@dataclass(frozen=True)
class Message:
    """One turn of a chat. role: "system", "user" or "assistant"."""

    role: str
    content: str


@dataclass(frozen=True)
class Request:
    """A completion (`prompt`) or a chat (`messages`), never both. schema: the JSON schema that a reply must follow, as JSON text.

    Equal requests have equal answers as far as the model is deterministic: `seed` is part of them.
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
        """SHA-256 of the model's name and the canonical request: the name of the reply in the request cache."""
        return hashlib.sha256(canonical_json(asdict(self)).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Reply:
    """What came back. finish: "stop", "length", or what else the server says. seconds: of the answered try; tries: 1 when none failed.

    note: what the server put in place of a text, for example a tool call.
    """

    text: str
    finish: str
    prompt_tokens: int
    completion_tokens: int
    tries: int = 1
    seconds: float = 0.0
    note: str | None = None
