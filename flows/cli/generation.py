"""Commands around the making of clips from text."""

from pathlib import Path
from typing import Any

import click

from noise2music.flows.cli.options import CONFIG, SET, command_settings
from noise2music.flows.cli.sections import example


@click.command(
    short_help="Make a clip for every prompt, or those that are missing.",
    epilog=example("n2m generate prompts.txt --checkpoints tiny --out clips", "n2m generate -c generate.toml --best-of 4"),
)
@click.argument("prompts", required=False)
@click.option("--checkpoints", help='Folder, URI or hub id of trained stages, or "tiny" for those that are built in.')
@click.option("--out", help="Folder or URI where everything is written.")
@CONFIG
@SET
@click.option("--seconds", type=float, help="Length of clips whose row says none.")
@click.option("--seed", type=int, help="Seed of clips whose row says none.")
@click.option("--route", type=click.Choice(["waveform", "spectrogram"]), help="Which way from text to audio.")
@click.option("--start", metavar="STAGE", help="The first stage that runs; a later one starts from the rows' init audio.")
@click.option("--stop-after", metavar="STAGE", help="The last stage that runs.")
@click.option("--steps", type=int, help="Steps of every stage's sampler.")
@click.option("--guidance", type=float, help="Scale of the guidance by text; 1 is none.")
@click.option("--best-of", type=int, help="Candidates a prompt, of which the scorer keeps the best.")
@click.option("--format", "audio_format", type=click.Choice(["flac", "wav"]), help="File format of the audio, 16 bit.")
@click.option("--workers", type=int, help="Clips at once on this machine.")
@click.option("--replay", is_flag=True, help="Try rows again that failed before.")
def generate(config: Path | None, overrides: tuple[str, ...], replay: bool, **given: Any) -> None:
    """Make a clip for every prompt, or the clips that are missing.

    PROMPTS is a .txt (a prompt a line), .csv, .jsonl or .parquet with the columns prompt and, where wanted, key, seed, seconds, negative,
    init and keep.
    """
    from noise2music.flows.run import run_generate
    from noise2music.models.job.settings import GenerateSettings

    given = {_KEYS[name]: value for name, value in given.items()}
    needed = {"prompts": "PROMPTS", "checkpoints": "--checkpoints", "out": "--out"}
    settings = command_settings(GenerateSettings, "n2m generate", config, overrides, given, needed)
    run_generate(settings, replay)


_KEYS = {
    "prompts": "prompts",
    "checkpoints": "checkpoints",
    "out": "out",
    "seconds": "seconds",
    "seed": "seed",
    "route": "generation.route",
    "start": "generation.start",
    "stop_after": "generation.stop_after",
    "steps": "generation.sampling.steps",
    "guidance": "generation.sampling.guidance",
    "best_of": "best_of",
    "audio_format": "format",
    "workers": "run.workers",
}
