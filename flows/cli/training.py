"""Commands around the training of cascade stages."""

import sys
from pathlib import Path
from typing import Literal

import click

from noise2music.flows.cli.options import CONFIG, SET
from noise2music.flows.cli.sections import example


@click.command(
    short_help="Train stages of the cascade, or go on with them.",
    epilog=example("n2m train all -c examples/train.toml", "n2m train vocoder -c examples/train.toml --set run.at_once=1"),
)
@click.argument("stages", nargs=-1, required=True, metavar="STAGE...")
@CONFIG
@SET
def train(stages: tuple[str, ...], config: Path | None, overrides: tuple[str, ...]) -> None:
    """Train stages of the cascade on labelled shards, or go on where a run was stopped.

    STAGE is waveform-generator, waveform-cascader, spectrogram-generator, vocoder, super-resolution, or all. Stopped before the end, it
    saves and leaves with 130 after Ctrl-C, 143 after SIGTERM.
    """
    from noise2music.flows.config import read_settings
    from noise2music.flows.run import train_stages
    from noise2music.flows.train import exit_code, stages_of
    from noise2music.models.training.settings import TrainSettings

    wanted = stages_of(stages)
    if config is None:
        raise click.UsageError("give -c FILE, for example -c examples/train.toml")
    done = train_stages(read_settings(TrainSettings, config, overrides), wanted)
    for trained in done:
        if trained.finished:
            print(f"Weights: {trained.weights}\nCurves and samples: {trained.folder / 'index.html'}")
        else:
            print(f"{trained.stage} stopped after {trained.clips:,} clips, all saved. The same command goes on from there.")
    sys.exit(exit_code(done))


@click.command(
    short_help="Write the weights of a training run to one file.",
    epilog=example("n2m weights runs/cascade/vocoder -o vocoder.safetensors --width 0.08"),
)
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A safetensors file.")
@click.option("--width", type=click.FloatRange(0.01, 0.28), help="Relative width of a power-function average, for example 0.08.")
@click.option("--clips", type=click.IntRange(1), help="The moment of that average, in clips seen (default: the newest snapshot's).")
@click.option("--precision", type=click.Choice(["fp32", "fp16"]), default="fp32", show_default=True, help="Of the numbers in the file.")
def weights(run: Path, output: Path, width: float | None, clips: int | None, precision: Literal["fp32", "fp16"]) -> None:
    """Write the weights of a training run to one file: the published average, or any other of the snapshots that were kept.

    RUN is the folder of one stage. Snapshots are kept with `checkpoints.profiles` in the training file.
    """
    from noise2music.models.training.ema import export_weights

    header = export_weights(run, output, width, clips, precision)
    print(f"{output}: {header.stage.name} after {header.clips:,} clips, average: {header.average}")


@click.command(
    "export-cascade",
    short_help="Write trained stages as a folder for a model hub.",
    epilog=example("n2m export-cascade runs/tiny/cascade tiny-music --id me/tiny-music --licence cc-by-4.0"),
)
@click.argument("checkpoints")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--id", "hub_id", metavar="OWNER/NAME", help="Where the folder is to lie on the hub; the card names it.")
@click.option("--licence", metavar="ID", help="Of the weights, as the hub spells it, such as cc-by-nc-4.0 (default: other).")
@click.option("--text-model", metavar="ID", help="Hub id of the text encoder, where training read it from a folder.")
def export_cascade(checkpoints: str, out: Path, hub_id: str | None, licence: str | None, text_model: str | None) -> None:
    """Write all trained stages of CHECKPOINTS into the folder OUT, with config.json and a model card, ready to be uploaded.

    CHECKPOINTS is what `n2m generate --checkpoints` takes. OUT can be given to it too, and OWNER/NAME once OUT is on the hub.
    """
    from noise2music.models.export.cascade_folder import CARD
    from noise2music.models.export.cascade_folder import export_cascade as write

    done = write(str(checkpoints), out, hub_id, licence, text_model)
    made = "nothing had to be written" if not done.written else f"{done.written} files written now"
    print(f"{len(done.config.stages)} stages, {done.bytes / 2**20:,.1f} MB, in {out}; {made}")
    print(f"Card: {out / CARD}; licence of the weights: {done.config.licence}")
    encoder = done.config.text_encoder
    if encoder is not None and encoder.model != "minilm" and "/" not in encoder.model:
        print(f"The text encoder is called {encoder.model}. Where that is no hub id, name one with --text-model: others cannot load it.")
    print(f"Upload: hf upload {hub_id or 'OWNER/NAME'} {out} .")
