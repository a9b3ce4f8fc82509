"""The names of a request's parameters on the wire: those of OpenAI's first API, of the configuration, or those that the server wants.

The names are not part of a request's key in the request cache, so no question is paid for twice because of a name.
"""

import re
from typing import Any

from noise2music.labeling.writer.base import Request
from noise2music.labeling.writer_settings import ParameterNames

_REFUSED = re.compile(
    r"unsupported|not[ _](?:currently )?(?:supported|allowed|permitted|recogni[sz]ed|accepted|available|implemented)"
    r"|(?:does|do)(?: not|n't) (?:support|accept|allow|recogni[sz]e)|no longer (?:supported|accepted)|deprecated|extra[_ ]forbidden"
    r"|unrecogni[sz]ed|unknown (?:parameter|name|field|argument|key|option|property)|extraneous|additional propert"
    r"|unexpected (?:keyword|parameter|field|argument|key|property)|invalid (?:parameter|argument|field|key)(?: name)?\b"
    r"|cannot (?:both )?be (?:specified|used|set)",
    re.IGNORECASE,
)
_INSTEAD = re.compile(
    r"\b(?:use|try|did you mean|renamed to|replaced by|in favou?r of)\s+(?:the\s+)?(?:parameter\s+)?['\"`‘“]?([a-z][a-z0-9_]{2,40})\b",
    re.IGNORECASE,
)
_MARKS = "'\"`’‘“”[]<>"
_NEAR, _NEAR_UNMARKED = 120, 30
"""The most characters between a parameter's name and the words that refuse it; fewer without quotation marks, when it may be an ordinary
word.
"""
_MEANING = {
    "seed": "replies are not repeatable, and samples of a song may be equal",
    "temperature": "the server's own temperature is used",
    "top_p": "the server's own top_p is used",
    "stop": "replies may go on after their end",
}
_NEVER_DROPPED = "max_tokens"
"""Without it a reply has no bound and no price. It is renamed where the server names the new word, and dropped only by the configuration.
"""


class Parameters:
    """The names in use with one server. changes: messages about parameters that the server refused, in order."""

    def __init__(self, names: ParameterNames) -> None:
        self._names: dict[str, str | None] = {name: _sent_name(name, setting) for name, setting in names}
        self._before = dict(self._names)
        self._innocent: set[str] = set()
        self.changes: list[str] = []

    def body(self, request: Request) -> dict[str, Any]:
        """The parameters of a request's body, besides the model and the prompt."""
        values: dict[str, Any] = {
            "temperature": request.temperature,
            "top_p": request.top_p,
            "max_tokens": request.max_tokens,
            "seed": request.seed,
        }
        if request.stop:
            values["stop"] = list(request.stop)
        return {parameter: value for name, value in values.items() if (parameter := self._names[name]) is not None}

    def adapt(self, body: dict[str, Any], message: str, field: str | None = None) -> bool:
        """Whether a request that was refused should be sent again, with other parameters: it is when `message`, the server's words, name a
        parameter of `body` as one that it does not take, or when that has been learnt meanwhile. named: the parameter that the error's own
        field names.
        """
        current = {name: now for name, now in self._names.items() if now is not None}
        if not set(body) <= set(current.values()):
            return True
        refused = _refused(message, [now for now in current.values() if now in body], field)
        if refused is None:
            return False
        name = next(name for name, now in current.items() if now == refused)
        instead = _instead(message, refused, name)
        if name in self._innocent or (instead is None and name == _NEVER_DROPPED):
            return False
        self._before = dict(self._names)
        self._names[name] = instead
        self.changes.append(f"the server does not take {refused}: {_consequence(name, instead)}")
        return True

    def undo(self) -> None:
        """Undo the last change, which did not help."""
        if self._names != self._before:
            self._innocent |= {name for name, now in self._names.items() if now != self._before[name]}
            self._names = self._before
            self.changes.pop()


def _sent_name(name: str, setting: str | bool) -> str | None:
    if isinstance(setting, bool):
        return name if setting else None
    return setting or None


def _refused(message: str, names: list[str], field: str | None) -> str | None:
    """The parameter that a message refuses: the one nearest to the words of refusal."""
    nearest: tuple[int, int, str] | None = None
    for refusal in _REFUSED.finditer(message):
        if field in names:
            return field
        for order, name in enumerate(names):
            for mention in re.finditer(rf"(?<!\w){re.escape(name)}(?!\w)", message):
                gap = max(mention.start() - refusal.end(), refusal.start() - mention.end())
                is_marked = message[max(0, mention.start() - 1)] in _MARKS and message[mention.end() : mention.end() + 1] in _MARKS
                if gap <= (_NEAR if is_marked else _NEAR_UNMARKED):
                    nearest = min(nearest or (gap, order, name), (gap, order, name))
    return nearest[2] if nearest else None


def _instead(message: str, refused: str, name: str) -> str | None:
    """The name that the server wants in place of a parameter, if it names one."""
    suggested = [match[1] for match in _INSTEAD.finditer(message) if match[1].lower() != refused.lower() and "_" in match[1]]
    if suggested:
        return suggested[0] if name == _NEVER_DROPPED else None
    return "max_completion_tokens" if refused == "max_tokens" else None


def _consequence(name: str, instead: str | None) -> str:
    if instead is not None:
        return f"{instead} is sent in its place"
    return f"it is left out, so that {_MEANING[name]}"
