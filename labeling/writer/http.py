"""The HTTP transport to a server, and what a failed try means: the request is bad, a retry may help, or the run has to stop."""

import json
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Literal

import httpx2
import openai

from noise2music.labeling.datasets.dead_limit import one_line

# HTTP for the server's client: keep-alive connections, no redirects, and bounded bodies.


MAX_BODY_BYTES = 1 << 20
KEEPALIVE_SECONDS = 2.0
"""Seconds that an idle connection stays open: below the five seconds after which common servers close it, perhaps with a request on its
way.
"""


class BodyTooLarge(httpx2.ReadError):
    """A response is longer than MAX_BODY_BYTES; the rest was not read."""


class _Bounded(httpx2.AsyncByteStream):
    def __init__(self, stream: httpx2.AsyncByteStream, request: httpx2.Request) -> None:
        self._stream = stream
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._stream:
            size += len(chunk)
            if size > MAX_BODY_BYTES:
                raise BodyTooLarge(f"the response is longer than {MAX_BODY_BYTES} bytes", request=self._request)
            yield chunk

    async def aclose(self) -> None:
        await self._stream.aclose()


class BoundedTransport(httpx2.AsyncHTTPTransport):
    """httpx's transport, except that the body of a response is bounded."""

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        response = await super().handle_async_request(request)
        assert isinstance(response.stream, httpx2.AsyncByteStream)
        response.stream = _Bounded(response.stream, request)
        return response


def new_client(concurrency: int) -> httpx2.AsyncClient:
    """A client with a connection for each request in flight. Redirects are not followed: they would carry the key elsewhere."""
    limits = httpx2.Limits(max_connections=concurrency, max_keepalive_connections=concurrency, keepalive_expiry=KEEPALIVE_SECONDS)
    return httpx2.AsyncClient(transport=BoundedTransport(limits=limits), follow_redirects=False)


Kind = Literal["row", "busy", "try", "gone", "stop"]
"""row: this request can never be answered. busy: the server asks to come later. try: it failed, and counts as a try. gone: no server
answers. stop: no request can be answered before a person changes something."""

_EXCERPT = 200
_MESSAGE_KEYS = ("error", "message", "detail", "msg", "errors", "reason", "title")
_MOST_DETAILS = 3
_STOPPING = {
    401: "the server refuses the key: set the environment variable {key_env} to a key that it takes",
    402: "the server wants to be paid: top up the account",
    403: "the server refuses the key: {key_env} may not use this model",
    404: "the server does not know this: check [run.server] url, which ends in /v1, and [write] model, which is the served name",
}


class BadReply(Exception):
    """The server answered with success, but its body is no reply. The message quotes it."""


@dataclass(frozen=True)
class Failure:
    """kind: see Kind. reason, message: of the dead letter, or of the stop. wait: seconds that the server asks for, or None.

    has_response: whether a server sent anything at all.
    """

    kind: Kind
    reason: str
    message: str
    wait: float | None = None
    has_response: bool = False


def classify(error: Exception, key_env: str, now: datetime | None = None) -> Failure:
    """Classify an exception of the client, a BadReply or a TimeoutError. `now`: for a Retry-After that is a date."""
    if isinstance(error, openai.APIStatusError):
        return _status(error, key_env, now or datetime.now(UTC))
    cause = error.__cause__
    if isinstance(cause, BodyTooLarge):
        return Failure("row", "too_long", str(cause))
    if isinstance(error, (openai.APITimeoutError, TimeoutError)):
        return Failure("try", "timeout", "no answer in time")
    if isinstance(error, BadReply | ValueError | openai.APIResponseValidationError):
        return Failure("try", "bad_reply", f"what the server sent is no reply: {one_line(str(error), _EXCERPT)}", has_response=True)
    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
        return Failure("gone", "unreachable", f"nobody answers: {one_line(str(cause), _EXCERPT)}")
    return Failure("try", "dropped", f"the connection broke: {type(cause or error).__name__} {one_line(str(cause or error), _EXCERPT)}")


def _status(error: openai.APIStatusError, key_env: str, now: datetime) -> Failure:
    status = error.status_code
    message = f"{status}: {server_message(error)}"
    if status in _STOPPING:
        return Failure("stop", "refused", f"{_STOPPING[status].format(key_env=key_env)}. It says {message}")
    wait = _retry_after(error.response.headers, now)
    if status == 429 or (status == 503 and wait is not None):
        return Failure("busy", "rate_limited", message, wait)
    if status in (408, 409, 425) or status >= 500:
        return Failure("try", "server_error", message, wait, has_response=True)
    return Failure("row", "bad_request", message)


def server_message(error: openai.APIStatusError) -> str:
    """The server's error message, taken out of its JSON where that has a known form."""
    text = error.response.text
    with suppress(ValueError, RecursionError):
        text = _words(json.loads(text)) or text
    return one_line(text, _EXCERPT) or "no more"


def refused_parameter(error: openai.APIStatusError) -> str | None:
    """The parameter that an error names in a field of its own: {"error": {"param": "seed"}}."""
    try:
        body = json.loads(error.response.text)
        named = (body.get("error") or body).get("param")
    except (ValueError, AttributeError, RecursionError):
        return None
    return named if isinstance(named, str) else None


def _words(value: Any) -> str:
    """The message in the JSON of an error: OpenAI's, FastAPI's list of details, or a plain text. "" where none is found."""
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return "; ".join(filter(None, map(_words, value[:_MOST_DETAILS])))
    if not isinstance(value, dict):
        return ""
    words = next((words for key in _MESSAGE_KEYS if (words := _words(value.get(key)))), "")
    where = value.get("loc")
    return f"{'.'.join(map(str, where))}: {words}" if words and isinstance(where, list) else words


def _retry_after(headers: httpx2.Headers, now: datetime) -> float | None:
    """Seconds to wait: retry-after-ms, or Retry-After as seconds or as a date (RFC 9110, section 10.2.3)."""
    for name, scale in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * scale
        except ValueError:
            continue
        return seconds if 0 <= seconds < 1e9 else None
    try:
        date = parsedate_to_datetime(headers.get("retry-after", ""))
    except ValueError:
        return None
    return max(0.0, (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp() - now.timestamp())
