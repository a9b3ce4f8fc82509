"""Reads data files (words, numbers, phrases) from the folder `data` beside the code, and checks them."""

import hashlib
import json
import tomllib
from dataclasses import asdict, is_dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Annotated, Any, TypeVar

from pydantic import BeforeValidator, TypeAdapter, ValidationError

from noise2music.core.errors import UserError

FOLDER = "data"

Shape = TypeVar("Shape")


def comma_list(text: str) -> tuple[str, ...]:
    """Items between commas (a line break is a space), in order, without blanks. Raises ValueError when an item stands twice."""
    items = comma_choices(text)
    repeated = sorted({item for item in items if items.count(item) > 1})
    if repeated:
        raise ValueError(f"listed twice: {', '.join(repeated)}")
    return items


def comma_choices(text: str) -> tuple[str, ...]:
    """As `comma_list`, but an item may stand twice: it is then drawn twice as often. Raises ValueError for what is no text."""
    if not isinstance(text, str):
        raise ValueError("words are one text, with commas between them")
    return tuple(item for item in (" ".join(part.split()) for part in text.split(",")) if item)


Words = Annotated[tuple[str, ...], BeforeValidator(comma_list)]
"""In the file: one text with commas between the words, which is easy to read and edit."""
WordSet = Annotated[frozenset[str], BeforeValidator(comma_list)]
Choices = Annotated[tuple[str, ...], BeforeValidator(comma_choices)]


def read_text(package: str, name: str) -> str:
    """The text of a package's data file. Raises UserError when it is not there."""
    try:
        return _folder(package).joinpath(name).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"cannot read {FOLDER}/{name} of {package}: {error}. It belongs to the package: install it again.") from error


def read_toml(package: str, name: str, shape: type[Shape]) -> Shape:
    """A TOML file as `shape` (a frozen dataclass, or a dict of such). Raises UserError, which names the file and the entry."""
    try:
        value = tomllib.loads(read_text(package, name))
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"{package}, {FOLDER}/{name}: {error}") from error
    return checked(package, name, value, shape)


def read_json(package: str, name: str, shape: type[Shape]) -> Shape:
    """A JSON file as `shape`. Raises UserError, which names the file and the entry."""
    try:
        value = json.loads(read_text(package, name))
    except json.JSONDecodeError as error:
        raise UserError(f"{package}, {FOLDER}/{name}: {error}") from error
    return checked(package, name, value, shape)


def checked(package: str, name: str, value: Any, shape: type[Shape], entry: str = "") -> Shape:
    """A value of a data file as `shape`. `entry` is where it stands in the file. Raises UserError, which names the file and the entry."""
    try:
        adapter: TypeAdapter[Shape] = TypeAdapter(shape)
        return adapter.validate_python(value)
    except ValidationError as error:
        raise entry_error(package, name, error, entry) from error


def entry_error(package: str, name: str, error: ValidationError, entry: str = "") -> UserError:
    """The first complaint of pydantic, with the file and the entry that it is about."""
    first = error.errors()[0]
    where = ".".join(part for part in (entry, *map(str, first["loc"])) if part)
    return UserError(f"{package}, {FOLDER}/{name}: {where}: {first['msg'].removeprefix('Value error, ')}")


def content_hash(*values: Any) -> str:
    """Hash of the values that were read, for fingerprints. A comment or a line break in the file does not change it.

    Values are those of JSON, frozen dataclasses, or sets and mappings of such.
    """
    return hashlib.sha256(json.dumps(values, default=_plain, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    if isinstance(value, frozenset):
        return sorted(value)
    raise TypeError(f"{type(value).__name__} cannot be hashed")


def _folder(package: str) -> Traversable:
    return files(package).joinpath(FOLDER)
