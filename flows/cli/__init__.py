"""The console command n2m. Imports are inside the commands, so that help and mistakes answer at once."""

import click

from noise2music.flows.cli.everything import demo, deploy, everything, render
from noise2music.flows.cli.generation import generate
from noise2music.flows.cli.labeling import join, label, labels, prune, replay, report, show, status, verify
from noise2music.flows.cli.planning import plan
from noise2music.flows.cli.training import train, weights
from noise2music.flows.cli.writing import captions, prompt, write
from noise2music.flows.process import main as run_command


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="noise2music")
def n2m() -> None:
    """Label music with text, and train on it."""


for _command in (
    label,
    replay,
    write,
    plan,
    train,
    weights,
    generate,
    everything,
    deploy,
    status,
    verify,
    report,
    show,
    labels,
    join,
    prune,
    captions,
    prompt,
    demo,
    render,
):
    n2m.add_command(_command)


def main() -> None:
    """Entry point of the console command."""
    run_command(n2m)
