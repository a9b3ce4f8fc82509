"""What every table of settings is: immutable, checked, the same through JSON."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, field_validator


class Settings(BaseModel):
    """Base of all settings: immutable, no unknown keys, and no meaning besides the values.

    What a setting does must not depend on whether it was given or is the default: through JSON, another process or a server every field
    is given. "Not told" is None, and JSON holds infinity as "Infinity".
    """

    model_config = ConfigDict(frozen=True, extra="forbid", ser_json_inf_nan="strings")

    @field_validator("*")
    @classmethod
    def _is_a_number(cls, value: Any) -> Any:
        if isinstance(value, float) and value != value:
            raise ValueError("NaN is no number")
        return value

    def as_json(self) -> dict[str, Any]:
        """The values as plain JSON, which is read as the same settings again."""
        values: dict[str, Any] = json.loads(self.model_dump_json())
        return values
