"""The console command n2m. Imports are inside the commands, so that help and mistakes answer at once."""

import json
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import click

CONFIG = click.option("-c", "--config", type=click.Path(path_type=Path), help="TOML file of the run.")
SET = click.option("--set", "overrides", multiple=True, metavar="A.B=C", help="Override one key of the configuration; may be repeated.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
ROOT = click.argument("root")


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="noise2music")
def n2m() -> None:
    """Label music with text, and train on it."""


@n2m.command()
@CONFIG
@SET
@click.option("--audio", help="Folder or URI of music, when there is no configuration file.")
@click.option("--root", help="Where everything is written (default with --audio: runs/NAME).")
def label(config: Path | None, overrides: tuple[str, ...], audio: str | None, root: str | None) -> None:
    """Turn a folder of music into balanced, text-labelled training shards and a report."""
    _label(_settings(config, overrides, audio, root), replay=False)


@n2m.command()
@CONFIG
@SET
@click.option("--audio", help="Folder or URI of music, when there is no configuration file.")
@click.option("--root", help="Where everything is written (default with --audio: runs/NAME).")
def replay(config: Path | None, overrides: tuple[str, ...], audio: str | None, root: str | None) -> None:
    """Run the dead rows of a labeling run again, and whatever follows from those that live now."""
    _label(_settings(config, overrides, audio, root), replay=True)


@n2m.command()
@CONFIG
@SET
@click.option("--root", help="Where everything is written.")
def write(config: Path | None, overrides: tuple[str, ...], root: str | None) -> None:
    """Let an LLM describe songs, and clean what it says into the captions of a vocabulary; no music is labelled."""
    from flows.write import write_captions

    for name, captions in write_captions(_settings(config, overrides, None, root)).items():
        print(f"{captions.manifest.rows:,} captions. Write them out with: n2m captions {captions.store.uri} {name} -o FILE.jsonl")


@n2m.group(invoke_without_command=True)
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
    """Count clips, windows, bytes, hours, and the LLM's tokens, before labeling runs; `plan train` counts training."""
    if context.invoked_subcommand is not None:
        return
    from flows.plan import plan as plan_all
    from flows.plan import plan_writing
    from flows.table import print_rows

    settings = _settings(config, overrides, audio, root)
    planned = plan_writing(settings) if writing else plan_all(settings)
    if as_json:
        print(json.dumps(planned, indent=1))
    else:
        shown = {name.replace("_", " "): f"{value:,}" if isinstance(value, int) else str(value) for name, value in planned.items()}
        print_rows([{"what": name, "value": value} for name, value in shown.items()], False)


@plan.command("train")
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
    from flows.plan_train import plan_training
    from flows.table import print_rows

    planned = plan_training(preset, config, overrides, gpu, mfu)
    if as_json:
        print(json.dumps(planned, indent=1))
        return
    print(f"One {planned['gpu']}, taken to reach {planned['assumed_mfu']:.0%} of its peak; clips of several devices add up.")
    print_rows(planned["stages"], False)


@n2m.command()
@click.argument("stages", nargs=-1, required=True, metavar="STAGE...")
@CONFIG
@SET
def train(stages: tuple[str, ...], config: Path | None, overrides: tuple[str, ...]) -> None:
    """Train stages of the cascade on labelled shards, or go on where a run was stopped.

    STAGE is waveform-generator, waveform-cascader, spectrogram-generator, vocoder, super-resolution, or all.
    """
    from flows.config import read_settings
    from flows.train import run_train, stages_of
    from models.training.settings import TrainSettings

    wanted = stages_of(stages)
    if config is None:
        raise click.UsageError("give -c FILE, for example -c examples/train.toml")
    for trained in run_train(read_settings(TrainSettings, config, overrides), wanted):
        if trained.finished:
            print(f"Weights: {trained.weights}\nCurves and samples: {trained.folder / 'index.html'}")
        else:
            print(f"Stopped after {trained.clips:,} clips, all saved. The same command goes on from there.")


@n2m.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="A safetensors file.")
@click.option("--width", type=click.FloatRange(0.01, 0.28), help="Relative width of a power-function average, for example 0.08.")
@click.option("--clips", type=click.IntRange(1), help="The moment of that average, in clips seen (default: the newest snapshot's).")
@click.option("--precision", type=click.Choice(["fp32", "fp16"]), default="fp32", show_default=True)
def weights(run: Path, output: Path, width: float | None, clips: int | None, precision: Literal["fp32", "fp16"]) -> None:
    """Write the weights of a training run to one file: the published average, or any other of the snapshots that were kept.

    RUN is the folder of one stage. Snapshots are kept with `checkpoints.profiles` in the training file.
    """
    from models.training.reweigh import export_weights

    header = export_weights(run, output, width, clips, precision)
    print(f"{output}: {header.stage.name} after {header.clips:,} clips, average: {header.average}")


@n2m.command()
@ROOT
@JSON
def status(root: str, as_json: bool) -> None:
    """How far a root is, stage by stage."""
    from flows.status import status_rows
    from flows.table import print_rows
    from labeling.storage import open_existing

    print_rows(status_rows(open_existing(root)), as_json)


@n2m.command()
@ROOT
@JSON
def verify(root: str, as_json: bool) -> None:
    """Hash every part and check every schema; exit 1 and a list when anything is off."""
    from flows.table import print_rows
    from flows.verify import verify_root
    from labeling.storage import open_existing

    files, findings = verify_root(open_existing(root))
    if as_json:
        print(json.dumps({"files": files, "findings": [{"path": f.path, "what": f.what} for f in findings]}, indent=1))
    elif findings:
        print_rows([{"path": finding.path, "what": finding.what} for finding in findings], False)
    else:
        print(f"{files} files are what their manifests say")
    if findings:
        sys.exit(1)


@n2m.command()
@ROOT
def report(root: str) -> None:
    """Print where the report of the latest run is; it is made again when it is missing or damaged."""
    from flows.label import remake_report

    print(remake_report(root))


@n2m.command()
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


@n2m.command()
@ROOT
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Ends in .csv, .jsonl or .parquet.")
def labels(root: str, output: Path) -> None:
    """Write all labels of the latest run as one flat table for other tools."""
    from flows.labels import write_labels
    from labeling.storage import open_existing

    rows = write_labels(open_existing(root), output)
    print(f"{rows:,} labels in {output}")


@n2m.command()
@ROOT
@click.argument("vocabulary")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Ends in .csv, .jsonl or .parquet.")
def captions(root: str, vocabulary: str, output: Path) -> None:
    """Write the captions of one vocabulary as a table; the jsonl is a source for another run's vocabulary of kind "jsonl"."""
    from flows.captions import write_captions_table
    from labeling.storage import open_existing

    rows = write_captions_table(open_existing(root), vocabulary, output)
    print(f"{rows:,} captions in {output}")


@n2m.group()
def prompt() -> None:
    """What an LLM is shown of a song."""


@prompt.command("list")
@JSON
def list_prompts(as_json: bool) -> None:
    """The prompts that ship."""
    from flows.prompt import prompt_rows
    from flows.table import print_rows

    print_rows(prompt_rows(), as_json)


@prompt.command("show")
@click.argument("name")
@click.option("--title", required=True)
@click.option("--artist")
@click.option("--tags", multiple=True, help="Separated by commas; may be repeated.")
@click.option("--instruments", multiple=True, help="Separated by commas; may be repeated.")
@click.option("--tempo", default="", help="Beats a minute.")
@click.option("--key", "musical_key", default="", help='For example "F# minor".')
@click.option("-c", "--config", type=click.Path(path_type=Path), help="Take model and sampling from a TOML file of a run.")
@SET
def show_prompt(name: str, config: Path | None, overrides: tuple[str, ...], title: str, **facts: Any) -> None:
    """Print exactly what would be sent for a song. NAME is a shipped prompt or the path of a prompt file."""
    from flows.prompt import make_song, show_prompt
    from labeling.settings import Write

    write = _settings(config, overrides, None, None).write if config else Write()
    print(show_prompt(name, make_song(title, **facts), write))


@n2m.command()
@click.option("--root", type=click.Path(path_type=Path), default=Path("runs/demo"), show_default=True, help="Where music and labels go.")
@click.option("--pieces", default=24, show_default=True, type=click.IntRange(1, 10000), help="How many pieces of 30 s to render.")
@click.option("--seed", default=0, show_default=True, help="Another seed gives other music.")
@SET
def demo(root: Path, pieces: int, seed: int, overrides: tuple[str, ...]) -> None:
    """Render music with a known truth, label it, and show five clips."""
    from flows.demo import demo_settings, print_examples

    print_examples(_label(demo_settings(root, pieces, seed, overrides), replay=False))


@n2m.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--pieces", default=100, show_default=True, type=click.IntRange(1, 1000000))
@click.option("--seconds", default=30.0, show_default=True, type=click.FloatRange(1, 600))
@click.option("--seed", default=0, show_default=True)
def render(folder: Path, pieces: int, seconds: float, seed: int) -> None:
    """Render music with a known truth: FLAC files and manifest.csv in FOLDER."""
    from flows.demo import render_music

    print(render_music(folder, pieces, seed, seconds))


def _settings(config: Path | None, overrides: tuple[str, ...], audio: str | None, root: str | None) -> Any:
    from flows.config import audio_settings, load_settings

    if (config is None) == (audio is None):
        raise click.UsageError("give either -c FILE or --audio FOLDER")
    if root:
        overrides = (f"root={json.dumps(root)}", *overrides)
    return load_settings(config, overrides) if config else audio_settings(str(audio), overrides)


def _label(settings: Any, replay: bool) -> Any:
    from flows.label import run_label

    labeled = run_label(settings, replay)
    if labeled.nothing_done:
        print("Nothing to do: every stage was there already.")
    print(f"Report: {labeled.report_path}")
    return labeled


def _quiet_libraries() -> None:
    """Keep other packages' warnings off the terminal, and ours on it."""
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
    logging.getLogger().setLevel(logging.ERROR)
    logging.getLogger("apache_beam").setLevel(logging.CRITICAL)
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(message)s"))
    ours = logging.getLogger("n2m")
    ours.handlers[:] = [handler]
    ours.setLevel(logging.INFO)
    ours.propagate = False


def main(run: Callable[..., Any] = n2m) -> None:
    """Entry point: a UserError is one line on stderr and exit 1; Ctrl-C stops at once and leaves a root that the next run completes."""
    from labeling.errors import UserError

    _quiet_libraries()
    try:
        run(standalone_mode=False)
    except click.exceptions.Exit as leave:
        sys.exit(leave.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except UserError as error:
        sys.stdout.flush()
        print(f"n2m: {error}", file=sys.stderr)
        sys.exit(1)
    except (KeyboardInterrupt, click.Abort):
        print("\nStopped. Finished parts are kept; the same command goes on from here.", file=sys.stderr, flush=True)
        os._exit(130)
    except BrokenPipeError:
        os._exit(0)


if __name__ == "__main__":
    main()
