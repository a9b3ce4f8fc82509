"""Commands around labelled music: make labels, and look at them."""

import json
import sys
from pathlib import Path
from typing import Any

import click

from flows.cli.options import CONFIG, JSON, ROOT, SET, label_settings


@click.command()
@CONFIG
@SET
@click.option("--audio", help="Folder or URI of music, when there is no configuration file.")
@click.option("--root", help="Where everything is written (default with --audio: runs/NAME).")
@click.option("--strict-opt-out", is_flag=True, help="Stop when an entry of the opt-out list meets no file (corpus.strict_opt_out).")
def label(config: Path | None, overrides: tuple[str, ...], audio: str | None, root: str | None, strict_opt_out: bool) -> None:
    """Turn a folder of music into balanced, text-labelled training shards and a report."""
    overrides += ("corpus.strict_opt_out=true",) if strict_opt_out else ()
    run_labeling(label_settings(config, overrides, audio, root), replay=False)


@click.command()
@CONFIG
@SET
@click.option("--audio", help="Folder or URI of music, when there is no configuration file.")
@click.option("--root", help="Where everything is written (default with --audio: runs/NAME).")
def replay(config: Path | None, overrides: tuple[str, ...], audio: str | None, root: str | None) -> None:
    """Run the dead rows of a labeling run again, and whatever follows from those that live now."""
    run_labeling(label_settings(config, overrides, audio, root), replay=True)


@click.command()
@ROOT
@JSON
def status(root: str, as_json: bool) -> None:
    """How far a root is, stage by stage."""
    from flows.status import status_rows
    from flows.table import print_rows
    from labeling.storage import open_existing

    print_rows(status_rows(open_existing(root)), as_json)


@click.command()
@ROOT
@JSON
def verify(root: str, as_json: bool) -> None:
    """Hash every part of labels, or every generated clip, and check schemas; exit 1 and a list when anything is off."""
    from flows.table import print_rows
    from flows.verify import verify_root
    from labeling.errors import UserError
    from labeling.storage import open_existing

    files, findings = verify_root(open_existing(root))
    if not files and not findings:
        raise UserError(f"{root} holds nothing to verify: no finished dataset of a labeling run, and no generated clip.")
    if as_json:
        print(json.dumps({"files": files, "findings": [{"path": f.path, "what": f.what} for f in findings]}, indent=1))
    elif findings:
        print_rows([{"path": finding.path, "what": finding.what} for finding in findings], False)
    else:
        print(f"{files} files are what their manifests say")
    if findings:
        sys.exit(1)


@click.command()
@ROOT
def report(root: str) -> None:
    """Print where the report of the latest run is; it is made again when it is missing or damaged."""
    from flows.label import remake_report

    print(remake_report(root))


@click.command()
@ROOT
@click.argument("clip")
@JSON
def show(root: str, clip: str, as_json: bool) -> None:
    """One clip's labels and where they came from. CLIP is a clip id, a track key, or KEY@SECONDS."""
    from flows.labels import show_clip
    from flows.table import print_rows
    from labeling.storage import open_existing

    found = show_clip(open_existing(root), clip)
    if as_json:
        print(json.dumps(found, indent=1, ensure_ascii=False))
        return
    labels = found.pop("labels")
    print_rows([{"what": name, "value": ", ".join(v) if isinstance(v, list) else v} for name, v in found.items()], False)
    print()
    print_rows([{key: row[key] for key in ("vocabulary", "rank", "score", "frequency", "p", "caption")} for row in labels], False)


@click.command()
@ROOT
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Ends in .csv, .jsonl or .parquet.")
def labels(root: str, output: Path) -> None:
    """Write all labels of the latest run as one flat table for other tools."""
    from flows.labels import write_labels
    from labeling.storage import open_existing

    rows = write_labels(open_existing(root), output)
    print(f"{rows:,} labels in {output}")


def run_labeling(settings: Any, replay: bool) -> Any:
    """Label, and say where the report is. Gives what was made (flows.label.Labeled)."""
    from flows.label import run_label

    labeled = run_label(settings, replay)
    if labeled.nothing_done:
        print("Nothing to do: every stage was there already.")
    print(f"Report: {labeled.report_path}")
    return labeled
