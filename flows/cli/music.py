"""Music that the project renders itself, and the demo on it."""

import sys
from pathlib import Path

import click

from flows.cli.everything import say_everything
from flows.cli.options import SET


@click.command()
@click.option("--root", type=click.Path(path_type=Path), default=Path("runs/demo"), show_default=True, help="Where everything goes.")
@click.option("--pieces", default=24, show_default=True, type=click.IntRange(1, 10000), help="How many pieces of 30 s to render.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other music.")
@SET
def demo(root: Path, pieces: int, seed: int, overrides: tuple[str, ...]) -> None:
    """The whole chain in minutes: render music with a known truth, label it, train a little, make twelve clips, and show one page."""
    from flows.demo import demo_settings, open_page, print_examples
    from flows.everything import run_everything

    done = run_everything(demo_settings(root, pieces, seed, overrides))
    print_examples(done.labeled)
    print()
    say_everything(done)
    if done.exit_code:
        sys.exit(done.exit_code)
    open_page(done.page)


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--pieces", default=100, show_default=True, type=click.IntRange(1, 1000000))
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(1, 600))
@click.option("--seed", default=0, show_default=True)
def render(folder: Path, pieces: int, seconds: float, seed: int) -> None:
    """Render music with a known truth: FLAC files and manifest.csv in FOLDER."""
    from flows.demo import render_music

    print(render_music(folder, pieces, seed, seconds))
