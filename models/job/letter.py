"""A row of which no clip came, and why."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, ValidationError

from labeling.errors import RowError
from labeling.ids import stable_id
from models.job.key import check_key
from models.job.prompt import Prompt

SHOWN_CHARACTERS = 2000


class DeadLetter(BaseModel):
    """name: of its file below dead/, without suffix. key: as the row says it. request: hash of what was asked for, so that the same
    row is not tried again and a changed one is.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    key: str
    request: str
    reason: str
    message: str
    prompt: str


def row_letter(row: Mapping[str, Any], error: RowError) -> DeadLetter:
    """For a row that was never understood. Its name is its key where that can be a file's name, else a hash."""
    said = {column: str(value) for column, value in sorted(row.items()) if value is not None}
    request = stable_id(*(part for item in said.items() for part in item))
    key = said.get("key", "").strip()
    try:
        name = check_key(key)
    except RowError:
        name = f"rows/{request}"
    return DeadLetter(
        name=name, key=shown(key), request=request, reason=error.reason, message=shown(error.message), prompt=shown(said.get("prompt", ""))
    )


def clip_letter(prompt: Prompt, error: RowError) -> DeadLetter:
    """For a clip that could not be made."""
    return DeadLetter(
        name=prompt.key,
        key=prompt.key,
        request=prompt.request,
        reason=error.reason,
        message=shown(error.message),
        prompt=shown(prompt.prompt),
    )


def parse_letter(data: bytes) -> DeadLetter | None:
    """The dead letter in `data`, None when it is not one: then the row is tried again."""
    try:
        return DeadLetter.model_validate_json(data)
    except ValidationError:
        return None


def shown(text: str) -> str:
    """Text of others, bounded, and with what is no text in UTF-8 escaped."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return whole if len(whole) <= SHOWN_CHARACTERS else whole[: SHOWN_CHARACTERS - 1] + "…"
