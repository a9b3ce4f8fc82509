"""The whole chain in one command, and its deployments on a Prefect server."""

import sys
from pathlib import Path
from typing import Any

import click

from noise2music.flows.cli.options import SET
from noise2music.flows.cli.sections import example

_CONFIG = click.option(
    "-c", "--config", type=click.Path(path_type=Path), required=True, help="TOML file with [label], [train], [generate]; or [evaluate] too."
)


@click.command(
    "end-to-end", short_help="Label, train, generate and write one page, in one go.", epilog=example("n2m end-to-end -c examples/tiny.toml")
)
@_CONFIG
@SET
def end_to_end(config: Path, overrides: tuple[str, ...]) -> None:
    """Label music, train the cascade on it, generate from prompts, and write one page; or go on where a run was stopped.

    With a table [evaluate] in the file the clips are evaluated in the end.
    """
    from noise2music.flows.config import read_settings
    from noise2music.flows.end_to_end_settings import EndToEndSettings
    from noise2music.flows.run import run_end_to_end

    done = run_end_to_end(read_settings(EndToEndSettings, config, overrides))
    print_outcome(done)
    sys.exit(done.exit_code)


def print_outcome(done: Any) -> None:
    """How far the chain came (flows.end_to_end.EndToEnd), and where its page is."""
    for stage in done.trained:
        if not stage.finished:
            print(f"{stage.stage} stopped after {stage.clips:,} clips, all saved. The same command goes on from there.")
    print(f"Page: {done.page}")


@click.command(
    short_help="Register the chain as deployments of a Prefect server.",
    epilog=example('n2m deploy -c examples/tiny.toml --cron "0 3 * * *"'),
)
@_CONFIG
@SET
@click.option("--name", help="Name of the deployments (default: the file's name).")
@click.option("--pool", default="n2m", show_default=True, help="Work pool; its worker: prefect worker start --pool NAME --type process.")
@click.option("--cron", help='When labeling starts, and with it the chain, for example "0 3 * * *"; without it nothing is scheduled.')
@click.option("--paused", is_flag=True, help="Register the schedule switched off.")
def deploy(config: Path, overrides: tuple[str, ...], name: str | None, pool: str, cron: str | None, paused: bool) -> None:
    """Register label, train (each stage), generate, evaluate and the whole chain as deployments of a Prefect server.

    A schedule starts labeling; events start what follows it.
    """
    from noise2music.flows.config import read_settings
    from noise2music.flows.deploy import deploy as deploy_all
    from noise2music.flows.end_to_end_settings import EndToEndSettings

    settings = read_settings(EndToEndSettings, config, overrides)
    for deployed in deploy_all(settings, name or config.stem, pool, cron, active=not paused):
        print(deployed)
    print(f"They run on: prefect worker start --pool {pool} --type process")
