"""The whole chain in one command, and its deployments on a Prefect server."""

import sys
from pathlib import Path
from typing import Any

import click

from noise2music.flows.cli.options import SET
from noise2music.flows.cli.sections import example

_CONFIG = click.option(
    "-c", "--config", type=click.Path(path_type=Path), required=True, help="TOML file with [label], [train], [generate]."
)


@click.command(short_help="Label, train, generate and write one page, in one go.", epilog=example("n2m everything -c examples/tiny.toml"))
@_CONFIG
@SET
def everything(config: Path, overrides: tuple[str, ...]) -> None:
    """Label music, train the cascade on it, generate from prompts, and write one page; or go on where a run was stopped."""
    from noise2music.flows.config import read_settings
    from noise2music.flows.everything_settings import EverythingSettings
    from noise2music.flows.run import run_everything

    done = run_everything(read_settings(EverythingSettings, config, overrides))
    say_everything(done)
    sys.exit(done.exit_code)


def say_everything(done: Any) -> None:
    """How far the chain came (flows.everything.Everything), and where its page is."""
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
    """Register label, train (each stage), generate and everything as deployments of a Prefect server, started by schedule and events."""
    from noise2music.flows.config import read_settings
    from noise2music.flows.deploy import deploy as deploy_all
    from noise2music.flows.everything_settings import EverythingSettings

    settings = read_settings(EverythingSettings, config, overrides)
    for deployed in deploy_all(settings, name or config.stem, pool, cron, active=not paused):
        print(deployed)
    print(f"They run on: prefect worker start --pool {pool} --type process")


# Music that the project renders itself, and the demo on it.


@click.command(short_help="The whole chain in minutes, on rendered music.", epilog=example("n2m demo --root runs/demo --pieces 12"))
@click.option("--root", type=click.Path(path_type=Path), default=Path("runs/demo"), show_default=True, help="Where everything goes.")
@click.option("--pieces", default=24, show_default=True, type=click.IntRange(1, 10000), help="How many pieces of 30 s to render.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other music.")
@SET
def demo(root: Path, pieces: int, seed: int, overrides: tuple[str, ...]) -> None:
    """The whole chain in minutes: render music with a known truth, label it, train a little, make twelve clips, and show one page."""
    from noise2music.flows.demo import demo_settings, open_page, print_examples
    from noise2music.flows.run import run_everything

    done = run_everything(demo_settings(root, pieces, seed, overrides))
    print_examples(done.labeled)
    print()
    say_everything(done)
    if done.exit_code:
        sys.exit(done.exit_code)
    open_page(done.page)


@click.command(short_help="Render music with a known truth.", epilog=example("n2m render music --pieces 20 --seconds 10"))
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--pieces", default=100, show_default=True, type=click.IntRange(1, 1000000), help="How many pieces to render.")
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(1, 600), help="Length of a piece.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other music.")
def render(folder: Path, pieces: int, seconds: float, seed: int) -> None:
    """Render music with a known truth: FLAC files and manifest.csv in FOLDER."""
    from noise2music.flows.demo import render_music

    print(render_music(folder, pieces, seed, seconds))
