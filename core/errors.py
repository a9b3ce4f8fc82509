"""The two kinds of errors: one stops the run, one costs a single row. And what they repeat of another library's error."""

import re

_CODE_AND_MESSAGE = re.compile(r"<Code>([^<]*)</Code>\s*<Message>([^<]*)</Message>")


class UserError(Exception):
    """Stops the run. The message says what is wrong, where, and what to do; the command line prints it without a traceback."""


class RowError(Exception):
    """One row fails and becomes a dead letter; the others go on.

    Attributes:
        reason: A short word that groups failures, for example "not_audio" (docs/errors.md lists all).
        message: What was wrong with this row.
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message

    def __reduce__(self) -> tuple[type["RowError"], tuple[str, str]]:
        return type(self), (self.reason, self.message)


def first_line(error: Exception) -> str:
    """What an error says, in one line: its name where it says nothing, a store's own code and message where it gives them."""
    match = _CODE_AND_MESSAGE.search(str(error))
    if match:
        return f"{match[1]}: {match[2].rstrip('.')}"
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
