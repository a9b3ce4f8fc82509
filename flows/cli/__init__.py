"""The console command n2m. Imports are inside the commands, so that help and mistakes answer at once."""

import click

from noise2music.flows.cli.ablation import ablate
from noise2music.flows.cli.end_to_end import deploy, end_to_end
from noise2music.flows.cli.evaluation import evaluate, prompts
from noise2music.flows.cli.export import export, import_webdataset
from noise2music.flows.cli.first_run import demo, render, setup
from noise2music.flows.cli.generation import generate
from noise2music.flows.cli.label_truth import evaluate_labels
from noise2music.flows.cli.labeling import join, label, labels, prune, replay, report, show, status, verify
from noise2music.flows.cli.listening import audit, listen
from noise2music.flows.cli.planning import plan
from noise2music.flows.cli.sections import Sections, example
from noise2music.flows.cli.training import export_cascade, train, weights
from noise2music.flows.cli.writing import captions, prompt, write
from noise2music.flows.process import main as run_command


@click.group(
    cls=Sections,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120},
    epilog=example("n2m demo", "n2m label --help"),
)
@click.version_option(package_name="noise2music")
def n2m() -> None:
    """Label music with text, train a cascade on it, and make music from text."""


n2m.add_section("Data", label, replay, write, captions, prompt, labels, join, export, import_webdataset, render)
n2m.add_section("Models", train, weights, export_cascade)
n2m.add_section("Music", prompts, generate)
n2m.add_section("Measure", evaluate, evaluate_labels, ablate, listen, audit)
n2m.add_section("Look", plan, status, show, report, verify)
n2m.add_section("Operate", setup, demo, end_to_end, deploy, prune)
n2m.add_alias("everything", "end-to-end")


def main() -> None:
    """Entry point of the console command."""
    run_command(n2m)
