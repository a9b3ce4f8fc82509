"""Commands around the LLM that describes songs."""

from pathlib import Path
from typing import Any

import click

from noise2music.flows.cli.options import CONFIG, JSON, ROOT, SET, label_settings
from noise2music.flows.cli.sections import example


@click.command(short_help="Let an LLM describe songs, as captions.", epilog=example("n2m write -c examples/write.toml"))
@CONFIG
@SET
@click.option("--root", help="Where everything is written.")
def write(config: Path | None, overrides: tuple[str, ...], root: str | None) -> None:
    """Let an LLM describe songs, and clean what it says into the captions of a vocabulary; no music is labelled."""
    from noise2music.flows.label import write_captions

    for name, captions in write_captions(label_settings(config, overrides, None, root)).items():
        print(f"{captions.manifest.rows:,} captions. Write them out with: n2m captions {captions.store.uri} {name} -o FILE.jsonl")


@click.command(
    short_help="Write the captions of one vocabulary as a table.", epilog=example("n2m captions runs/write llm_long -o llm_long.jsonl")
)
@ROOT
@click.argument("vocabulary")
@click.option("-o", "--output", type=click.Path(path_type=Path), required=True, help="Ends in .csv, .jsonl or .parquet.")
def captions(root: str, vocabulary: str, output: Path) -> None:
    """Write the captions of one vocabulary as a table; the jsonl is a source for another run's vocabulary of kind "jsonl"."""
    from noise2music.core.storage import open_existing
    from noise2music.flows.tables import write_captions_table

    rows = write_captions_table(open_existing(root), vocabulary, output)
    print(f"{rows:,} captions in {output}")


@click.group(epilog=example("n2m prompt list"))
def prompt() -> None:
    """What an LLM is shown of a song."""


@prompt.command("list", epilog=example("n2m prompt list"))
@JSON
def list_prompts(as_json: bool) -> None:
    """The prompts that ship."""
    from noise2music.flows.prompt import prompt_rows
    from noise2music.flows.tables import print_rows

    print_rows(prompt_rows(), as_json)


@prompt.command(
    "show",
    short_help="Print exactly what would be sent for a song.",
    epilog=example('n2m prompt show songs-chat --title "So What" --artist "Miles Davis"'),
)
@click.argument("name")
@click.option("--title", required=True, help="The song's title.")
@click.option("--artist", help="Who plays it.")
@click.option("--tags", multiple=True, help="Separated by commas; may be repeated.")
@click.option("--instruments", multiple=True, help="Separated by commas; may be repeated.")
@click.option("--tempo", default="", help="Beats a minute.")
@click.option("--key", "musical_key", default="", help='For example "F# minor".')
@click.option("-c", "--config", type=click.Path(path_type=Path), help="Take model and sampling from a TOML file of a run.")
@SET
def show_prompt(name: str, config: Path | None, overrides: tuple[str, ...], title: str, **facts: Any) -> None:
    """Print exactly what would be sent for a song. NAME is a shipped prompt or the path of a prompt file."""
    from noise2music.flows.prompt import make_song, show_prompt
    from noise2music.labeling.writer_settings import Write

    write = label_settings(config, overrides, None, None).write if config else Write()
    print(show_prompt(name, make_song(title, **facts), write))
