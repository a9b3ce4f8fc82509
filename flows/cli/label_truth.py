"""The command that compares labels with the truth about their recordings."""

from pathlib import Path
from typing import Any

import click

from noise2music.flows.cli.options import CONFIG, JSON, SET, command_settings, lines_on_stderr
from noise2music.flows.cli.sections import example


@click.command(
    "evaluate labels",
    short_help="Compare labels with a table of truth.",
    epilog=example(
        "n2m evaluate labels runs/music --truth tags.csv -o evaluation",
        "n2m evaluate labels runs/music --truth tags.csv --key track --set columns.genre='[\"style\"]'",
    ),
)
@click.argument("root", required=False)
@click.option("--truth", help="Table with the recordings' true tags, local or remote.")
@click.option("-o", "--out", help="Folder or URI for labels.parquet, labels.json and labels.html (default: only print).")
@click.option("--key", help="Column with the recordings' names (default: key, file, path, ...).")
@click.option("--permutations", type=int, help="How often recordings exchange their labels, to see what chance is (500).")
@click.option("--seed", type=int, help="Seed of permutations and resamples (0).")
@CONFIG
@SET
@JSON
def evaluate_labels(root: str | None, config: Path | None, overrides: tuple[str, ...], as_json: bool, **given: Any) -> None:
    """Say how often labels of ROOT name the true tags of their own recording, against those of others, by kind.

    Columns of the table go by their usual names: genre, instruments, mood, tempo, voice, tags; `--set columns.KIND` names others.
    A folder of clips that is called labels is ./labels for `n2m evaluate`.
    """
    from noise2music.evaluation.label_truth import LabelTruthSettings
    from noise2music.flows.label_truth import evaluate_labels as evaluate
    from noise2music.flows.tables import print_rows

    if as_json:
        lines_on_stderr()
    given |= {"root": root, "columns.key": given.pop("key")}
    needed = {"root": "ROOT", "truth": "--truth"}
    settings = command_settings(LabelTruthSettings, "n2m evaluate labels", config, overrides, given, needed)
    shown = ("vocabulary", "kind", "share", "low", "high", "chance", "chance_high", "ratio", "p", "recordings", "labels")
    print_rows([{name: getattr(row, name) for name in shown} for row in evaluate(settings).figures.rows], as_json)
