"""The demo: music that the project renders itself, labelled from start to end."""

from pathlib import Path

from flows.config import COLLAPSE, make_settings
from flows.label import Labeled
from flows.labels import flat_labels
from labeling.render.corpus import write_corpus
from pipelines.settings import LabelSettings

SECONDS = 30.0


def demo_settings(root: Path, pieces: int, seed: int, overrides: tuple[str, ...]) -> LabelSettings:
    """Render what is missing of the music below `root` and give the settings that label it (those of examples/demo.toml)."""
    music = root / "music"
    table = write_corpus(music, pieces, seed, SECONDS, lambda _: None)
    raw = {
        "root": str(root / "labels"),
        "seed": seed,
        "parts": 4,
        "corpus": {
            "audio": str(music),
            "metadata": str(table),
            "columns": {
                "key": "file",
                "title": "title",
                "artist": "artist",
                "licence": "licence",
                "split": "split",
                "tags": ["genre", "instruments", "mood"],
            },
        },
        "scorer": {"model": "starter"},
        "vocabulary": {"tags": {"kind": "builtin-tags"}, "sentences": {"kind": "builtin-sentences"}},
        "retrieval": {"collapse": COLLAPSE},
        "sampling": {"top_k": 10, "draw": {"tags": 6, "sentences": 3}},
    }
    return make_settings(raw, overrides, "n2m demo")


def print_examples(labeled: Labeled, clips: int = 5) -> None:
    """Five clips with their tags and labels, as plain text."""
    rows = [row for table in flat_labels(labeled.datasets) for row in table.to_pylist()]
    tracks = labeled.datasets.ingest.read(["key", "title", "artist", "tags"]).to_pylist() if labeled.datasets.ingest else []
    for track in sorted(tracks, key=lambda track: str(track["key"]))[:clips]:
        print(f"\n{track['title']} by {track['artist']}  ({track['key']}; known: {', '.join(track['tags'])})")
        for row in rows:
            if row["track_key"] == track["key"] and row["clip_start"] == 0:
                print(f"  {row['vocabulary']:<10} {row['score']:.3f}  {row['caption']}")
