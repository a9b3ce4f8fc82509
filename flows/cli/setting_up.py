"""What is fetched ahead of a first run."""

import click

from noise2music.flows.cli.sections import example


@click.command(short_help="Fetch the built-in scorer's weights ahead of a first run.", epilog=example("n2m setup"))
def setup() -> None:
    """Fetch the weights of the built-in scorer ahead of the first run, which else does it.

    They are those of musicnn 0.1.0 (ISC licence, 29 MB), a package that cannot be installed beside this one without harm. The package
    installer fetches its distribution file, which is checked; the weights are converted and kept in the user's cache, or in N2M_CACHE.
    """
    from noise2music.core.errors import UserError
    from noise2music.labeling.scorers.musicnn_weights import cached_weights, load_tagger_weights

    load_tagger_weights()
    kept = cached_weights()
    if not kept.is_file():
        raise UserError(f"cannot keep weights in {kept.parent}. Free space, or set N2M_CACHE to a folder that can be written.")
    print(f"The built-in scorer's weights are in {kept} ({kept.stat().st_size / 1e6:.1f} MB).")
