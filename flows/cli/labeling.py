"""Commands around labelled music: make labels, and look at them."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from noise2music.flows.cli.options import CONFIG, JSON, ROOT, SET, label_settings, lines_on_stderr
from noise2music.flows.cli.sections import example


@click.command(
    short_help="Turn a folder of music into text-labelled shards.",
    epilog=example("n2m label --audio music", "n2m label -c examples/real.toml --set sampling.top_k=20"),
)
@CONFIG
@SET
@click.option("--audio", help="Folder or URI of music, when there is no configuration file.")
@click.option("--root", help="Where everything is written (default with --audio: runs/NAME).")
@click.option("--strict-opt-out", is_flag=True, help="Stop when an entry of the opt-out list meets no file (corpus.strict_opt_out).")
def label(config: Path | None, overrides: tuple[str, ...], audio: str | None, root: str | None, strict_opt_out: bool) -> None:
    """Turn a folder of music into balanced, text-labelled training shards and a report."""
    overrides += ("corpus.strict_opt_out=true",) if strict_opt_out else ()
    run_labeling(label_settings(config, overrides, audio, root), replay=False)


@click.command(short_help="Run the dead rows of a labeling run again.", epilog=example("n2m replay --audio music --root runs/music"))
@CONFIG
@SET
@click.option("--audio", help="Folder or URI of music, when there is no configuration file.")
@click.option("--root", help="Where everything is written (default with --audio: runs/NAME).")
def replay(config: Path | None, overrides: tuple[str, ...], audio: str | None, root: str | None) -> None:
    """Run the dead rows of a labeling run again, and whatever follows from those that live now."""
    run_labeling(label_settings(config, overrides, audio, root), replay=True)


@click.command(epilog=example("n2m status runs/music"))
@ROOT
@JSON
def status(root: str, as_json: bool) -> None:
    """How far a root is, stage by stage."""
    from noise2music.core.storage import open_existing
    from noise2music.flows.inspect import status_rows
    from noise2music.flows.tables import print_rows

    print_rows(status_rows(open_existing(root)), as_json)


@click.command(short_help="Hash every file and check every schema.", epilog=example("n2m verify runs/music"))
@ROOT
@JSON
def verify(root: str, as_json: bool) -> None:
    """Hash every part of labels, or every generated clip, and check schemas; exit 1 and a list when anything is off."""
    from noise2music.core.errors import UserError
    from noise2music.core.storage import open_existing
    from noise2music.flows.inspect import verify_root
    from noise2music.flows.tables import print_rows

    files, every = verify_root(open_existing(root))
    findings = [finding for finding in every if not finding.old]
    old = [finding for finding in every if finding.old]
    if not files and not every:
        raise UserError(f"{root} holds nothing to verify: no finished dataset of a labeling run, and no generated clip.")
    if as_json:
        shown = {name: [{"path": f.path, "what": f.what} for f in some] for name, some in (("findings", findings), ("old", old))}
        print(json.dumps({"files": files, **shown}, indent=1))
    else:
        if every:
            used = {False: "current", True: "old"}
            print_rows([{"path": finding.path, "what": finding.what, "set": used[finding.old]} for finding in (*findings, *old)], False)
        if old:
            print(f"{len(old)} of these hurt only old datasets that the latest run does not use; `n2m prune {root}` deletes them.")
        if not findings:
            print(f"{files - len(old) if old else files} files are what their manifests say")
    if findings:
        sys.exit(1)


@click.command(short_help="Print where the report of the latest run is.", epilog=example("n2m report runs/music"))
@ROOT
def report(root: str) -> None:
    """Print where the report of the latest run is; it is made again when it is missing or damaged."""
    from noise2music.flows.label import remake_report

    lines_on_stderr()
    print(remake_report(root))


@click.command(epilog=example("n2m show runs/music song.mp3", "n2m show runs/music song.mp3@30"))
@ROOT
@click.argument("clip")
@JSON
def show(root: str, clip: str, as_json: bool) -> None:
    """One clip's labels and where they came from. CLIP is a clip id, a track key, or KEY@SECONDS."""
    from noise2music.core.storage import open_existing
    from noise2music.flows.tables import print_rows, show_clip

    found = show_clip(open_existing(root), clip)
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    labels = found.pop("labels")
    print_rows([{"what": name, "value": ", ".join(v) if isinstance(v, list) else v} for name, v in found.items()], False)
    print()
    print_rows([{key: row[key] for key in ("vocabulary", "rank", "score", "frequency", "p", "caption")} for row in labels], False)


@click.command(short_help="Write all labels as one flat table for other tools.", epilog=example("n2m labels runs/music -o labels.csv"))
@ROOT
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Ends in .csv, .jsonl or .parquet.")
def labels(root: str, output: Path) -> None:
    """Write all labels of the latest run as one flat table for other tools."""
    from noise2music.core.storage import open_existing
    from noise2music.flows.tables import write_labels

    rows = write_labels(open_existing(root), output)
    print(f"{rows:,} labels in {output}")


@click.command(
    short_help="Write labels with their audio inside, to carry away.", epilog=example("n2m join runs/music joined --split train")
)
@ROOT
@click.argument("out")
@click.option("--split", "splits", multiple=True, help="Only clips of this split; may be repeated.")
@click.option("--target-mb", type=click.FloatRange(min=0, min_open=True), default=256.0, show_default=True, help="Size of a file.")
def join(root: str, out: str, splits: tuple[str, ...], target_mb: float) -> None:
    """Write the current labels with their audio inside: Parquet files in OUT, a folder or URI, that need nothing else."""
    from noise2music.labeling.datasets.join import join as join_files

    joined = join_files(root, out, splits or None, target_mb)
    files = sum(len(record.files) for record in joined.manifest.parts)
    print(f"{joined.manifest.rows:,} clips in {files} files, {joined.manifest.size / 2**20:,.1f} MB, in {out}")


@click.command(
    short_help="Delete what the latest run does not use.",
    epilog=example("n2m prune runs/music  # shows", "n2m prune runs/music --yes  # deletes"),
)
@ROOT
@click.option("--yes", is_flag=True, help="Delete. Without it nothing is deleted, and what would be is shown.")
@click.option("--keep", "versions", type=click.IntRange(1), default=1, show_default=True, help="How many finished runs stay.")
@click.option(
    "--keep-for", "training", multiple=True, type=click.Path(path_type=Path), help="Keep the shards of the training runs in a folder."
)
@click.option("--forget", multiple=True, help="A training folder whose shards need not stay; may be repeated.")
@click.option("--replies", is_flag=True, help="Also delete an LLM's paid replies of old datasets.")
@JSON
def prune(root: str, yes: bool, versions: int, training: tuple[Path, ...], forget: tuple[str, ...], replies: bool, as_json: bool) -> None:
    """Delete what the latest run does not use: old labels, and audio that nothing refers to. Shows it first; --yes deletes."""
    from noise2music.core.storage import open_existing
    from noise2music.flows.prune import plan_pruning
    from noise2music.flows.prune import prune as delete
    from noise2music.flows.tables import print_rows

    store = open_existing(root)
    plan = plan_pruning(store, versions, training, forget, replies)
    rows = [
        {"": what, "path": item.path, "mb": round(item.bytes / 2**20, 2), "why": item.why}
        for what, items in (("keep", plan.kept), ("delete", plan.gone))
        for item in items
    ]
    if yes:
        delete(store, plan)
    if as_json:
        print(json.dumps({"deleted": yes, "bytes": plan.bytes, "rows": rows, "left": plan.strange}, indent=1))
        return
    print_rows(rows, False)
    for path in plan.strange[:20]:
        print(f"left, not made by n2m: {path}")
    if len(plan.strange) > 20:
        print(f"... and {len(plan.strange) - 20} more")
    size = f"{plan.bytes / 2**20:,.1f} MB"
    print(f"{size} deleted." if yes else f"{size} would be deleted: run it again with --yes." if plan.gone else "Nothing to delete.")


def run_labeling(settings: Any, replay: bool) -> Any:
    """Label, and say where the report is. Gives what was made (flows.label.Labeled)."""
    from noise2music.flows.run import run_label

    labeled = run_label(settings, replay)
    if labeled.nothing_done:
        print("Nothing to do: every stage was there already.")
    print(f"Report: {labeled.report_path}")
    return labeled
