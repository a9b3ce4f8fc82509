"""Options that commands share, and the settings of a labeling run from them."""

import json
import logging
import sys
from pathlib import Path
from typing import Any

import click

CONFIG = click.option("-c", "--config", type=click.Path(path_type=Path), help="TOML file of the run.")
SET = click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Override one key of the configuration; may be repeated.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
ROOT = click.argument("root")


def lines_on_stderr() -> None:
    """Keep the standard output of a command whose output others read, for example `$(n2m report ROOT)`, free of lines about stages."""
    for handler in logging.getLogger("n2m").handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)


def label_settings(config: Path | None, overrides: tuple[str, ...], audio: str | None, root: str | None) -> Any:
    """The settings of a labeling run, from a file or for a folder of music. Raises click.UsageError unless it is one of the two."""
    from noise2music.flows.config import audio_settings, load_settings

    if (config is None) == (audio is None):
        raise click.UsageError("give either -c FILE or --audio FOLDER")
    if root:
        overrides = (f"root={json.dumps(root)}", *overrides)
    return load_settings(config, overrides) if config else audio_settings(str(audio), overrides)
