"""Options that commands share, and the settings of a labeling run from them."""

import json
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from pydantic import BaseModel

Model = TypeVar("Model", bound="BaseModel")

CONFIG = click.option("-c", "--config", type=click.Path(path_type=Path), help="TOML file of the run.")
SET = click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Override one key of the configuration; may be repeated.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
ROOT = click.argument("root")


def lines_on_stderr() -> None:
    """Keep the standard output of a command whose output others read, for example `$(n2m report ROOT)`, free of lines about stages."""
    for handler in logging.getLogger("n2m").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)


def command_settings(
    model: type[Model],
    command: str,
    config: Path | None,
    overrides: tuple[str, ...],
    given: Mapping[str, Any],
    needed: Mapping[str, str],
) -> Model:
    """The settings of a command: its file, or none; `--set` on top of it, and on top of that the command's own options.

    given: key -> value, None where the option was left out. needed: key -> what a user writes for it, where there is no file.
    Raises click.UsageError where one of these is missing, and UserError.
    """
    from noise2music.flows.config import read_settings, validate_settings

    said = [f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in given.items() if value is not None]
    overrides = (*overrides, *said)
    if config is not None:
        return read_settings(model, config, overrides)
    keys = {override.partition("=")[0].strip() for override in overrides}
    if missing := [written for key, written in needed.items() if key not in keys]:
        raise click.UsageError(f"give {' and '.join(missing)}, or -c FILE")
    return validate_settings(model, {}, overrides, command)


def label_settings(config: Path | None, overrides: tuple[str, ...], audio: str | None, root: str | None) -> Any:
    """The settings of a labeling run, from a file or for a folder of music. Raises click.UsageError unless it is one of the two."""
    from noise2music.flows.config import audio_settings, load_settings

    if (config is None) == (audio is None):
        raise click.UsageError("give either -c FILE or --audio FOLDER")
    if root:
        overrides = (f"root={json.dumps(root)}", *overrides)
    return load_settings(config, overrides) if config else audio_settings(str(audio), overrides)
