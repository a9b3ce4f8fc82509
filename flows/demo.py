"""The demo: music that the project renders itself, labelled from start to end with the settings of examples/demo.toml."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from flows.config import load_settings
from flows.label import Labeled
from flows.labels import flat_labels
from labeling.render.corpus import write_corpus
from pipelines.settings import LabelSettings

EXAMPLE = Path(__file__).resolve().parents[1] / "examples" / "demo.toml"
SECONDS = 30.0


def render_music(folder: Path, pieces: int, seed: int, seconds: float = SECONDS) -> Path:
    """Render what is missing of the music, with a progress bar, and give the path of its metadata table."""
    with click.progressbar(length=pieces, label="rendering", file=sys.stderr) as bar:
        return write_corpus(folder, pieces, seed, seconds, lambda: bar.update(1))


def demo_settings(root: Path, pieces: int, seed: int, overrides: Sequence[str]) -> LabelSettings:
    """Settings that label the demo's music below `root`. The music depends on seed and count, so each pair has a folder of its own."""
    music = root / f"music-{seed}-{pieces}"
    table = render_music(music, pieces, seed)
    ours = {"root": str(root / "labels"), "corpus.audio": str(music), "corpus.metadata": str(table), "seed": seed}
    text = [f"{name}={json.dumps(value)}" for name, value in ours.items()]
    return load_settings(EXAMPLE, [*text, *overrides])


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
