"""What a run will take, before it runs."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from noise2music.flows.cli.options import CONFIG, JSON, SET, label_settings, lines_on_stderr
from noise2music.flows.cli.sections import example


@click.group(
    invoke_without_command=True,
    short_help="Count clips, bytes, hours and tokens before a run.",
    epilog=example("n2m plan --audio music", "n2m plan train --preset paper --gpu H100"),
)
@CONFIG
@SET
@click.option("--audio", help="Folder or URI of music, when there is no configuration file.")
@click.option("--root", help="Where everything would be written.")
@click.option("--writing", is_flag=True, help="Only what the LLM would be asked, and what it costs.")
@JSON
@click.pass_context
def plan(
    context: click.Context,
    config: Path | None,
    overrides: tuple[str, ...],
    audio: str | None,
    root: str | None,
    writing: bool,
    as_json: bool,
) -> None:
    """Count clips, windows, captions, bytes, hours, and the LLM's tokens, before labeling runs; `plan train` counts training.

    What would stop the run is said after the figures, and the exit is 1.
    """
    if context.invoked_subcommand is not None:
        return
    from noise2music.flows.plan import plan as plan_all
    from noise2music.flows.plan import plan_writing

    lines_on_stderr()
    settings = label_settings(config, overrides, audio, root)
    planned = plan_writing(settings) if writing else plan_all(settings)
    _show(planned, as_json)


def _show(planned: dict[str, Any], as_json: bool) -> None:
    """Figures, tables and lists, then what would stop the run; with any of that the exit is 1."""
    from noise2music.flows.tables import print_rows

    problems = planned.get("problems", [])
    if as_json:
        print(json.dumps(planned, indent=1))
    else:
        planned.pop("problems", None)
        tables = [name for name, value in planned.items() if isinstance(value, list) and value and isinstance(value[0], dict)]
        shown_apart = [planned.pop(name) for name in tables]
        lists = {name: value for name, value in planned.items() if isinstance(value, list)}
        plain = {name: len(value) if name in lists else value for name, value in planned.items()}
        shown = {name.replace("_", " "): f"{value:,}" if isinstance(value, int) else str(value) for name, value in plain.items()}
        print_rows([{"what": name, "value": value} for name, value in shown.items()], False)
        for line in (line for value in lists.values() for line in value):
            print(f"  {line}")
        for table in shown_apart:
            print()
            print_rows(table, False)
        sys.stdout.flush()
    for problem in problems:
        print(f"n2m: {problem.rstrip('.')}.", file=sys.stderr)
    if problems:
        sys.exit(1)


@plan.command(
    "train", short_help="Parameters, memory and GPU hours of every stage.", epilog=example("n2m plan train --preset paper --gpu H100")
)
@click.option("--preset", type=click.Choice(["paper", "fast", "tiny"]), help="Plan a preset's own recipes (default: tiny).")
@click.option("-c", "--config", type=click.Path(path_type=Path), help="Plan the training run of a TOML file.")
@SET
@click.option("--gpu", default="H100", show_default=True, help="A GPU by name, for its peak and memory.")
@click.option(
    "--mfu", default=0.4, show_default=True, type=click.FloatRange(0.01, 1), help="Share of its peak that training is taken to reach."
)
@JSON
def plan_train(preset: str | None, config: Path | None, overrides: tuple[str, ...], gpu: str, mfu: float, as_json: bool) -> None:
    """Parameters, arithmetic, memory, clips a second and GPU hours of every stage, before training starts."""
    from noise2music.flows.plan import plan_training
    from noise2music.flows.tables import print_rows

    planned = plan_training(preset, config, overrides, gpu, mfu)
    if as_json:
        print(json.dumps(planned, indent=1))
        return
    print(f"One {planned['gpu']}, taken to reach {planned['assumed_mfu']:.0%} of its peak; clips of several devices add up.")
    print_rows(planned["stages"], False)


@plan.command(
    "evaluate", short_help="Clips, networks and hours of an evaluation.", epilog=example("n2m plan evaluate -c evaluate.toml --json")
)
@click.option("-c", "--config", type=click.Path(path_type=Path), required=True, help="TOML file as `n2m evaluate -c` takes it.")
@SET
@JSON
def plan_evaluation(config: Path, overrides: tuple[str, ...], as_json: bool) -> None:
    """Clips that are there and missing, networks and their weights, embeddings to make, random splits and hours, before evaluation runs.

    What would stop the run is said after the figures, and the exit is 1.
    """
    from noise2music.evaluation.settings import EvaluateSettings
    from noise2music.flows.config import read_settings
    from noise2music.flows.plan_evaluate import plan_evaluate

    lines_on_stderr()
    _show(plan_evaluate(read_settings(EvaluateSettings, config, overrides)), as_json)
