"""One TOML file, and `--set a.b=c` on top of it, become the settings of a run of any kind. Every mistake is one clear message."""

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from noise2music.core.errors import UserError
from noise2music.core.settings import Settings
from noise2music.pipelines.settings import LabelSettings

DEDUP_THRESHOLD = 0.75
Model = TypeVar("Model", bound=BaseModel)
_SECRET = re.compile(r"//[^/\s]*@|\?[^\s'\"]+")


def load_settings(path: Path, overrides: Sequence[str] = ()) -> LabelSettings:
    """Read the configuration file of a labeling run. Raises UserError that names the file, the key and the nearest right one."""
    return read_settings(LabelSettings, path, overrides)


def make_settings(raw: Mapping[str, Any], overrides: Sequence[str], where: str) -> LabelSettings:
    """Nested tables and overrides -> settings of a labeling run. `where` names the source in messages."""
    return validate_settings(LabelSettings, raw, overrides, where)


def read_settings(model: type[Model], path: Path, overrides: Sequence[str] = ()) -> Model:
    """Read a configuration file of any kind. Raises UserError that names the file, the key and the nearest right one."""
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise UserError(f"cannot read the configuration {path}: {error.strerror}. Check the path given to -c.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UserError(f"{path} is not valid TOML: {error}.") from error
    return validate_settings(model, raw, overrides, str(path))


def given_settings(model: type[Model], given: Mapping[str, Any] | str) -> Model:
    """Settings as a deployment has them: the path of a configuration file, or its content. Raises UserError."""
    return read_settings(model, Path(given)) if isinstance(given, str) else validate_settings(model, given, (), "settings")


def audio_settings(audio: str, overrides: Sequence[str] = ()) -> LabelSettings:
    """A run over a folder or URI of music without any file: built-in scorer and words, root runs/NAME. Raises UserError."""
    name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in audio.rstrip("/").rsplit("/", 1)[-1]).strip(".")
    raw = {
        "root": f"runs/{name or 'music'}",
        "corpus": {"audio": audio},
        "vocabulary": {"tags": {"kind": "builtin-tags"}, "sentences": {"kind": "builtin-sentences"}},
        "retrieval": {"dedup_threshold": DEDUP_THRESHOLD},
        "sampling": {"labels_per_clip": {"tags": 6, "sentences": 3}},
    }
    return make_settings(raw, overrides, f"--audio {audio}")


def validate_settings(model: type[Model], raw: Mapping[str, Any], overrides: Sequence[str], where: str) -> Model:
    """Nested tables and overrides -> settings of a kind. `where` names the source in messages. Raises UserError."""
    merged = dict(raw)
    for override in overrides:
        merged = _override(model, merged, override)
    try:
        return model.model_validate(merged)
    except ValidationError as error:
        found: dict[str, list[str]] = {}
        for item in error.errors():
            name, message = _explain(model, {**item, "loc": _location(merged, item["loc"])})
            found.setdefault(name, []).append(message)
        lines = [name + ", or ".join(dict.fromkeys(messages)) for name, messages in found.items()]
        raise UserError(f"{where}: " + "; ".join(lines) + ".") from error


def _override(model: type[BaseModel], raw: Mapping[str, Any], override: str) -> dict[str, Any]:
    name, separator, text = override.partition("=")
    keys = [key.strip() for key in name.split(".")]
    if not separator or not all(keys):
        raise UserError(f"--set {override}: write it as --set a.b=value, for example --set sampling.top_k=20.")
    changed = dict(raw)
    table = changed
    for depth, key in enumerate(keys[:-1]):
        _call_alike(_model_at(model, keys[:depth]), table, key)
        inner = table.get(key, {})
        if not isinstance(inner, Mapping):
            raise UserError(f"--set {override}: {key} is a value, not a table.")
        table[key] = dict(inner)
        table = table[key]
    _call_alike(_model_at(model, keys[:-1]), table, keys[-1])
    table[keys[-1]] = _value(text.strip())
    return changed


def _call_alike(model: Any, table: dict[str, Any], key: str) -> None:
    """What the table holds under another name of the same setting is called `key`, so that an override takes its place."""
    former = model.former_names if isinstance(model, type) and issubclass(model, Settings) else {}
    for other in (former.get(key, key), *(old for old, new in former.items() if new == former.get(key, key))):
        if other != key and other in table:
            table[key] = table.pop(other)


def _value(text: str) -> Any:
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text


def _location(raw: Mapping[str, Any], location: Sequence[str | int]) -> tuple[str | int, ...]:
    """The part of a location that names a place of the configuration: behind a value pydantic names the kinds that it may be of."""
    value: Any = raw
    for depth, key in enumerate(location):
        if not isinstance(value, Mapping | list | None) or (isinstance(value, list) and not isinstance(key, int)):
            return tuple(location[:depth])
        if isinstance(value, list):
            value = value[int(key)] if int(key) < len(value) else None
        else:
            value = value.get(key) if value else None
    return tuple(location)


def _explain(model: type[BaseModel], item: Mapping[str, Any]) -> tuple[str, str]:
    """The key with what was given, and what is wrong with it."""
    location = tuple(item["loc"])
    name = ".".join(str(key) for key in location)
    if item["type"] == "extra_forbidden":
        known = _known_keys(model, location[:-1])
        near = difflib.get_close_matches(str(location[-1]), known, 1, 0.5)
        hint = f"; did you mean {'.'.join([*map(str, location[:-1]), near[0]])}?" if near else f"; known here: {', '.join(known)}"
        return f"unknown key {name}", hint
    if item["type"] == "missing":
        return name, " is missing"
    message = str(item["msg"]).removeprefix("Value error, ")
    return f"{name} = {_SECRET.sub('***', repr(item['input']))}: " if name else "", message


def _known_keys(model: type[BaseModel], location: Sequence[str | int]) -> list[str]:
    """Fields of the model at a location, or of the values of a dictionary there."""
    current = _model_at(model, location)
    if isinstance(current, _Values):
        current = current.model
    return sorted(current.model_fields) if isinstance(current, type) and issubclass(current, BaseModel) else []


def _model_at(model: type[BaseModel], location: Sequence[str | int]) -> Any:
    """What is expected at a location, going down through nested models and dictionaries of models: a model, _Values, or another type."""
    current: Any = model
    for key in location:
        if isinstance(current, type) and issubclass(current, BaseModel):
            former = current.former_names if issubclass(current, Settings) else {}
            field = current.model_fields.get(former.get(str(key), str(key)))
            current = _inner(field.annotation) if field else None
        if get_origin(current) is dict:
            current = _Values(get_args(current)[1])
        elif isinstance(current, _Values):
            current = current.model
    return current


class _Values:
    """Stands for a dictionary whose next key may be anything."""

    def __init__(self, model: Any) -> None:
        self.model = model


def _inner(annotation: Any) -> Any:
    if get_origin(annotation) in (Union, UnionType):
        return next((_inner(part) for part in get_args(annotation) if part is not type(None)), None)
    return annotation
