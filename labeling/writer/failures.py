"""What a failed try means: is it the request's own fault, may it pass, or can nothing go on."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Literal

import httpx2
import openai

from labeling.writer.transport import BodyTooLarge

Kind = Literal["row", "busy", "try", "gone", "stop"]
"""row: this request can never be answered. busy: the server says to come later. try: it failed, and counts as a try. gone: nobody is
there to answer. stop: no request can be answered before a person has changed something."""

_EXCERPT = 200
_STOPPING = {
    401: "the server refuses the key: set the environment variable {key_env} to a key that it takes",
    402: "the server wants to be paid: top up the account",
    403: "the server refuses the key: {key_env} may not use this model",
    404: "the server does not know this: check [run.server] url, which ends in /v1, and [write] model, which is the served name",
}


class BadReply(Exception):
    """The server answered with success, but what it sent is no reply. The message says what was seen."""


@dataclass(frozen=True)
class Failure:
    """kind: see Kind. reason, message: of the dead letter, or of the stop. wait: seconds that the server asks for, if it does."""

    kind: Kind
    reason: str
    message: str
    wait: float | None = None


def classify(error: Exception, key_env: str, now: datetime | None = None) -> Failure:
    """What an exception of the client, a BadReply or a TimeoutError means. `now`: for a Retry-After that is a date."""
    if isinstance(error, openai.APIStatusError):
        return _status(error, key_env, now or datetime.now(UTC))
    cause = error.__cause__
    if isinstance(cause, BodyTooLarge):
        return Failure("row", "too_long", str(cause))
    if isinstance(error, (openai.APITimeoutError, TimeoutError)):
        return Failure("try", "timeout", "no answer in time")
    if isinstance(error, BadReply | ValueError | openai.APIResponseValidationError):
        return Failure("try", "bad_reply", f"the server sent no reply: {_excerpt(str(error))}")
    if isinstance(cause, httpx2.ConnectError | httpx2.ConnectTimeout):
        return Failure("gone", "unreachable", f"nobody answers: {_excerpt(str(cause))}")
    return Failure("try", "dropped", f"the connection broke: {type(cause or error).__name__} {_excerpt(str(cause or error))}")


def _status(error: openai.APIStatusError, key_env: str, now: datetime) -> Failure:
    status = error.status_code
    message = f"{status}: {_said(error)}"
    if status in _STOPPING:
        return Failure("stop", "refused", f"{_STOPPING[status].format(key_env=key_env)}. It says {message}")
    wait = _retry_after(error.response.headers, now)
    if status == 429 or (status == 503 and wait is not None):
        return Failure("busy", "rate_limited", message, wait)
    if status in (408, 409, 425) or status >= 500:
        return Failure("try", "server_error", message, wait)
    return Failure("row", "bad_request", message)


def _said(error: openai.APIStatusError) -> str:
    """The server's own words, without the body around them where it is JSON of a known form."""
    text = error.response.text
    try:
        body = json.loads(text)
        found = body.get("error", body)
        text = str(found["message"] if isinstance(found, dict) else found)
    except (ValueError, KeyError, AttributeError, RecursionError):
        pass
    return _excerpt(text) or "no more"


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


def _excerpt(text: str) -> str:
    line = " ".join(text[: 4 * _EXCERPT].split())
    return line if len(line) <= _EXCERPT else f"{line[:_EXCERPT]} ..."
