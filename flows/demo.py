"""The demo: music that the project renders itself, labelled, trained on for a few hundred steps, and clips from the weights that ship.

Settings: examples/demo.toml for labeling, examples/demo_cascade.toml for the rest.
"""

import os
import sys
import tomllib
import webbrowser
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import click

from noise2music.core.ids import stable_id
from noise2music.flows.config import validate_settings
from noise2music.flows.datasets import Labeled
from noise2music.flows.end_to_end_settings import EndToEndSettings
from noise2music.flows.tables import flat_labels
from noise2music.models.cascade.stage import STAGES
from noise2music.models.generation.checkpoints import SHIPPED, file_identity, weights_files
from noise2music.synth.corpus import write_corpus

EXAMPLES = Path(str(files("noise2music.examples")))
SECONDS = 30.0


def render_music(folder: Path, pieces: int, seed: int, seconds: float = SECONDS) -> Path:
    """Render what is missing of the music, with a progress bar, and give the path of its metadata table."""
    with click.progressbar(length=pieces, label="rendering", file=sys.stderr) as bar:
        return write_corpus(folder, pieces, seed, seconds, lambda: bar.update(1))


def demo_settings(root: Path, pieces: int, seed: int, overrides: Sequence[str]) -> EndToEndSettings:
    """The chain below `root` on rendered music. What depends on seed and count, or on the weights that ship, has a folder of its own."""
    music = root / f"music-{seed}-{pieces}"
    table = render_music(music, pieces, seed)
    label, cascade = (tomllib.loads((EXAMPLES / name).read_text(encoding="utf-8")) for name in ("demo.toml", "demo_cascade.toml"))
    label |= {"root": str(root / "labels"), "seed": seed}
    label["corpus"] |= {"audio": str(music), "metadata": str(table)}
    weights = stable_id(*(file_identity(path) for path in weights_files(SHIPPED, STAGES).values()))
    cascade["generate"] |= {"prompts": str(EXAMPLES / "demo_prompts.txt"), "out": str(root / f"clips-{weights}")}
    cascade["train"] |= {"out": str(root / f"cascade-{seed}-{pieces}"), "seed": seed}
    return validate_settings(EndToEndSettings, {"root": str(root), "stages": STAGES, "label": label, **cascade}, overrides, "the demo")


def print_examples(labeled: Labeled, clips: int = 5) -> None:
    """A few clips with what is known of them and their labels, as plain text."""
    if labeled.datasets.ingest is None:
        return
    rows = [row for table in flat_labels(labeled.datasets) for row in table.to_pylist()]
    tracks = labeled.datasets.ingest.read(["key", "title", "artist", "tags"]).to_pylist()
    for track in sorted(tracks, key=lambda track: str(track["key"]))[:clips]:
        print(f"\n{track['title']} by {track['artist']}  ({track['key']}; known: {', '.join(track['tags'])})")
        for row in rows:
            if row["track_key"] == track["key"] and row["clip_start"] == 0:
                print(f"  {row['vocabulary']:<10} {row['score']:.3f}  {row['caption']}")


def open_page(page: str) -> None:
    """Show the page in a browser, where somebody sits in front of this machine."""
    if sys.stdout.isatty() and (sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        webbrowser.open(Path(page).absolute().as_uri())
