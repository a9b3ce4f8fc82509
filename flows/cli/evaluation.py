"""Commands that say how good clips are."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from noise2music.flows.cli.options import CONFIG, SET, command_settings
from noise2music.flows.cli.sections import example


@click.command(
    short_help="Compare systems' clips with a reference.",
    epilog=example(
        "n2m evaluate clips --reference musiccaps --networks yamnet,starter -o evaluation",
        "n2m evaluate ours=clips musicgen=other/musicgen --reference real --prompts prompts.csv -o evaluation",
        "n2m evaluate -c evaluate.toml",
        "n2m evaluate --checkpoints cascade/vocoder --every 1000 --prompts prompts.txt --reference real -o evaluation",
    ),
)
@click.argument("clips", nargs=-1)
@click.option("--reference", help="Folder of audio, root of `n2m label`, or statistics (.safetensors, fadtk's .npz, or a folder of them).")
@click.option("-o", "--out", help="Folder or URI where figures and page are written.")
@click.option("--prompts", help="File of prompts whose keys every system should have (default: all keys of all systems).")
@click.option("--pairs", help="Table with the columns key, reference and names of systems, where files are not named by keys.")
@click.option("--networks", help="Networks that hear, for example yamnet,musicnn,starter,vggish=FOLDER (default: those that need no hub).")
@click.option("--protocol", help='What is heard of a clip: "paper" (default), "whole", or a TOML file.')
@click.option("--beside", multiple=True, help="Results of an earlier evaluation to show too; may be repeated.")
@click.option("--permutations", type=int, help="Random splits that say what no difference looks like; 0 for none.")
@click.option("--workers", type=int, help="Clips at once on this machine.")
@click.option("--checkpoints", metavar="FOLDER", help="Instead of CLIPS: compare the weights that a stage's training in FOLDER kept.")
@click.option("--every", type=int, help="Of these weights one every so many clips of training, and the newest (default: all).")
@CONFIG
@SET
def evaluate(
    clips: tuple[str, ...], checkpoints: str | None, every: int | None, config: Path | None, overrides: tuple[str, ...], **given: Any
) -> None:
    """Compare the clips of one or several systems with a reference: distances, similarities, their errors, and a page.

    Each of CLIPS is a place of `n2m generate` or any folder or URI of audio, alone or as NAME=PLACE. With --checkpoints the clips are made
    from --prompts, by each of the weights, and -c FILE has the tables [generate] and [evaluate].
    """
    from noise2music.evaluation.settings import EvaluateSettings
    from noise2music.flows.run import run_evaluate

    given |= {"clips": list(clips) or None, "beside": list(given["beside"]) or None}
    if given["networks"] is not None:
        given["networks"] = [name.strip() for name in given["networks"].split(",") if name.strip()]
    if checkpoints is not None:
        _evaluate_checkpoints(checkpoints, every, config, overrides, given)
        return
    if every is not None:
        raise click.UsageError("--every is of --checkpoints")
    given = {_KEYS.get(name, name): value for name, value in given.items()}
    needed = {"clips": "CLIPS", "reference": "--reference", "out": "--out"}
    settings = command_settings(EvaluateSettings, "n2m evaluate", config, overrides, given, needed)
    _print(run_evaluate(settings))


def _evaluate_checkpoints(
    folder: str, every: int | None, config: Path | None, overrides: tuple[str, ...], given: Mapping[str, Any]
) -> None:
    from noise2music.flows.evaluate_checkpoints import EvaluateCheckpointsSettings, evaluate_checkpoints
    from noise2music.flows.run import run_evaluate, run_generate

    if given["clips"] is not None:
        raise click.UsageError("give CLIPS or --checkpoints, not both")
    top = {"folder": folder, "every": every, "out": given["out"], "generate.prompts": given["prompts"]}
    tables = {f"evaluate.{_KEYS.get(name, name)}": value for name, value in given.items() if name not in ("clips", "out", "prompts")}
    settings = command_settings(EvaluateCheckpointsSettings, "n2m evaluate --checkpoints", config, overrides, top | tables, {})
    done = evaluate_checkpoints(settings, run_generate, run_evaluate)
    _print(done.evaluated)
    for choice in done.choices:
        like = f"; not told apart from {', '.join(f'{clips:,}' for clips in choice.like_it)}" if choice.like_it else ""
        print(f"Least distance by {choice.network}: {choice.distance:.4g} after {choice.best:,} clips{like}: {done.weights[choice.best]}")


def _print(done: Any) -> None:
    """The figures of flows.results.Evaluated."""
    from noise2music.flows.tables import print_rows

    shown = ("system", "network", "metric", "value", "corrected", "low", "high", "null_mean", "p", "clips")
    print_rows([{name: _figure(getattr(row, name)) for name in shown} for row in done.results.rows], as_json=False)


_KEYS = {"workers": "run.workers"}


def _figure(value: Any) -> Any:
    return "–" if value is None else f"{value:.4g}" if isinstance(value, float) else value


@click.command(
    short_help="Make a prompt file of a public set that the paper evaluates on.",
    epilog=example(
        "n2m prompts musiccaps --table musiccaps-public.csv --balanced -o prompts.csv",
        "n2m prompts audioset --table eval_segments.csv --ontology ontology.json -o prompts.csv",
        "n2m prompts magnatagatune --table annotations_final.csv -o prompts.csv --pairs pairs.csv",
    ),
)
@click.argument("name", metavar="SET", type=click.Choice(["musiccaps", "audioset", "magnatagatune", "mulamcap"]))
@click.option("--table", required=True, help="The table that the set's makers publish, local or remote.")
@click.option("-o", "--out", type=click.Path(path_type=Path), required=True, help="A .csv with the columns key and prompt.")
@click.option("--balanced", is_flag=True, help="Of MusicCaps only the thousand clips that are balanced by genre.")
@click.option("--ontology", help="AudioSet's ontology.json, which names the classes.")
@click.option("--pairs", type=click.Path(path_type=Path), help="Also write which file of MagnaTagATune's audio each key is.")
def prompts(name: Any, table: str, out: Path, balanced: bool, ontology: str | None, pairs: Path | None) -> None:
    """Make a prompt file of SET: musiccaps, audioset (labels of its evaluation clips), magnatagatune (tags) or mulamcap (captions)."""
    from noise2music.core.errors import UserError
    from noise2music.evaluation.prompt_sets import pairs_csv, prompts_csv, read_prompt_set

    found = read_prompt_set(name, table, balanced, ontology)
    placed = pairs_csv(found)
    if pairs is not None and placed is None:
        raise UserError(f"the table of {name} does not say where clips lie; leave --pairs out.")
    written = {out: prompts_csv(found)} | ({pairs: placed} if pairs is not None and placed is not None else {})
    for path, data in written.items():
        try:
            path.write_bytes(data)
        except OSError as error:
            raise UserError(f"cannot write {path}: {error.strerror}.") from error
    print(f"{len(found.rows):,} prompts in {out}; {found.unlabelled:,} rows without a label are left out")
    for said in found.refused[:3]:
        print(f"left out: {said}")
