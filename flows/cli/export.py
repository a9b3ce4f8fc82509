"""Commands that carry labels into the forms of other tools, and back."""

import sys

import click

from noise2music.flows.cli.options import ROOT
from noise2music.flows.cli.sections import example

TARGET = click.option("--target-mb", type=click.FloatRange(min=0, min_open=True), default=256.0, show_default=True, help="Size of a file.")


@click.command(
    short_help="Write labels with audio as WebDataset tars or a Hugging Face folder.",
    epilog=example("n2m export runs/music tars --to webdataset", "n2m export runs/music folder --to hf"),
)
@ROOT
@click.argument("out")
@click.option("--to", type=click.Choice(["webdataset", "hf"]), required=True, help="Tar files, or a folder of `datasets` with a card.")
@TARGET
def export(root: str, out: str, to: str, target_mb: float) -> None:
    """Write the current labels with their audio into OUT, a folder or URI, as other tools read them. Repeated, it makes what is missing."""
    from noise2music.labeling.datasets.export import export as write

    done = write(root, out, "webdataset" if to == "webdataset" else "hf", target_mb)
    made = "nothing had to be written" if not done.written else f"{done.written} written now"
    print(f"{done.clips:,} clips in {done.files} files, {done.bytes / 2**20:,.1f} MB, in {out}; {made}")


@click.command(
    "import-webdataset",
    short_help="Read exported WebDataset tars into files that training reads.",
    epilog=example("n2m import-webdataset tars joined", "n2m import-webdataset train-000000.tar train-000001.tar joined"),
)
@click.argument("tars", nargs=-1, required=True)
@click.argument("out")
@TARGET
def import_webdataset(tars: tuple[str, ...], out: str, target_mb: float) -> None:
    """Read TARS, files or folders that `n2m export --to webdataset` wrote, into Parquet files in OUT, as `n2m join` writes them."""
    from noise2music.labeling.datasets.webdataset import import_webdataset as read

    manifest = read(tars, out, target_mb).manifest
    files = sum(len(record.files) for record in manifest.parts)
    print(f"{manifest.rows:,} clips in {files} files, {manifest.size / 2**20:,.1f} MB, in {out}")
    for reason, number in manifest.dead_reasons.items():
        print(f"lost, {reason}: {number:,}, for example {'; '.join(manifest.examples.get(reason, ()))}", file=sys.stderr)
