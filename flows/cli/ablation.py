"""The command that compares ways to sample a cascade."""

from pathlib import Path

import click

from noise2music.flows.cli.options import CONFIG, SET, command_settings
from noise2music.flows.cli.sections import example


@click.command(
    short_help="Compare ways to sample a cascade.",
    epilog=example("n2m ablate -c examples/ablate.toml", "n2m ablate -c ablate.toml --reference real -o runs/ablation --workers 4"),
)
@click.option("--reference", help="What clips are compared with, as for `n2m evaluate`.")
@click.option("-o", "--out", help="Folder or URI where clips, figures and page are written.")
@click.option("--workers", type=int, help="Clips at once on this machine.")
@CONFIG
@SET
def ablate(config: Path | None, overrides: tuple[str, ...], reference: str | None, out: str | None, workers: int | None) -> None:
    """Make clips for a grid of guidance, step schedules, numbers of steps, gamma and samplers, and measure quality and cost.

    Cells that make the same clips share them, and a run that was stopped goes on where it was.
    """
    from noise2music.evaluation.ablation.settings import AblateSettings
    from noise2music.flows.ablate import ablate as run
    from noise2music.flows.tables import print_rows

    if config is None:
        raise click.UsageError("give -c FILE: the grid stands there (examples/ablate.toml)")
    given = {"reference": reference, "out": out, "run.workers": workers}
    done = run(command_settings(AblateSettings, "n2m ablate", config, overrides, given, {}))
    rows = [
        {
            "sweep": row.sweep,
            "cell": row.cell,
            "network": row.network,
            "metric": row.metric,
            "value": f"{row.value:.4g}",
            "seconds_clip": f"{row.seconds_clip:.3g}",
            "ms_step": f"{row.ms_step:.3g}",
        }
        for row in done.rows
        if row.metric in ("fad", "text", "audio")
    ]
    print_rows(rows, as_json=False)
