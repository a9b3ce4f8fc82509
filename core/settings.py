"""What every table of settings is: immutable, checked, the same through JSON."""

import json
import logging
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator, model_validator

_RECORD = "record"
log = logging.getLogger("n2m")


class Record(BaseModel):
    """Base of what is read and written as JSON or TOML: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def as_json(self) -> dict[str, Any]:
        """The values as plain JSON, which is read as the same again."""
        values: dict[str, Any] = json.loads(self.model_dump_json())
        return values


class Settings(Record):
    """Base of all settings: immutable, no unknown keys, and no meaning besides the values.

    What a setting does must not depend on whether it was given or is the default: through JSON, another process or a server every field
    is given. "Not told" is None, and JSON holds infinity as "Infinity".
    """

    model_config = ConfigDict(ser_json_inf_nan="strings")

    former_names: ClassVar[Mapping[str, str]] = MappingProxyType({})
    """Keys that a release before called otherwise: former name -> field. They are still read, with a warning, until the next release."""
    former_values: ClassVar[Mapping[str, Mapping[str, str]]] = MappingProxyType({})
    """The same of values that are words: field -> former value -> value."""

    @model_validator(mode="before")
    @classmethod
    def _read_former_names(cls, values: Any, info: ValidationInfo) -> Any:
        if not isinstance(values, Mapping) or not (cls.former_names or cls.former_values):
            return values
        renamed, is_record = dict(values), bool((info.context or {}).get(_RECORD))
        for former, name in cls.former_names.items():
            if former not in renamed:
                continue
            if name in renamed:
                raise ValueError(f"{former} is the former name of {name}: give {name} alone")
            renamed[name] = renamed.pop(former)
            if not is_record:
                _warn(former, name)
        for field, names in cls.former_values.items():
            value = renamed.get(field)
            if isinstance(value, str) and value in names:
                renamed[field] = names[value]
                if not is_record:
                    _warn(f'{field} = "{value}"', f'{field} = "{names[value]}"')
        return renamed

    @field_validator("*")
    @classmethod
    def _is_a_number(cls, value: Any) -> Any:
        if isinstance(value, float) and value != value:
            raise ValueError("NaN is no number")
        return value

    @classmethod
    def of_record(cls, values: Mapping[str, Any]) -> Self:
        """Settings that a run wrote down, perhaps one of a release before: former names are read without a warning.

        Raises pydantic's ValidationError, as `model_validate` does.
        """
        return cls.model_validate(values, context={_RECORD: True})


@cache
def _warn(former: str, name: str) -> None:
    """Cached, so that a process says it once, however often the same configuration is read."""
    log.warning("The setting %s is called %s now. The former name is still read in this release, and not in the next.", former, name)
