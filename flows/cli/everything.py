"""The whole chain in one command, and its deployments on a Prefect server."""

import sys
from pathlib import Path
from typing import Any

import click

from flows.cli.options import SET

_CONFIG = click.option(
    "-c", "--config", type=click.Path(path_type=Path), required=True, help="TOML file with [label], [train], [generate]."
)


@click.command()
@_CONFIG
@SET
def everything(config: Path, overrides: tuple[str, ...]) -> None:
    """Label music, train the cascade on it, generate from prompts, and write one page; or go on where a run was stopped."""
    from flows.config import read_settings
    from flows.everything import run_everything
    from flows.everything_settings import EverythingSettings

    done = run_everything(read_settings(EverythingSettings, config, overrides))
    say_everything(done)
    sys.exit(done.exit_code)


def say_everything(done: Any) -> None:
    """How far the chain came (flows.everything.Everything), and where its page is."""
    for stage in done.trained:
        if not stage.finished:
            print(f"{stage.stage} stopped after {stage.clips:,} clips, all saved. The same command goes on from there.")
    print(f"Page: {done.page}")


@click.command()
@_CONFIG
@SET
@click.option("--name", help="Of the deployments (default: the file's name).")
@click.option("--pool", default="n2m", show_default=True, help="Work pool; its worker: prefect worker start --pool NAME --type process.")
@click.option("--cron", help='When labeling starts, and with it the chain, for example "0 3 * * *"; without it nothing is scheduled.')
@click.option("--paused", is_flag=True, help="Register the schedule switched off.")
def deploy(config: Path, overrides: tuple[str, ...], name: str | None, pool: str, cron: str | None, paused: bool) -> None:
    """Register label, train (each stage), generate and everything as deployments of a Prefect server, started by schedule and events."""
    from flows.config import read_settings
    from flows.deploy import deploy as deploy_all
    from flows.everything_settings import EverythingSettings

    settings = read_settings(EverythingSettings, config, overrides)
    for deployed in deploy_all(settings, name or config.stem, pool, cron, active=not paused):
        print(deployed)
    print(f"They run on: prefect worker start --pool {pool} --type process")
