"""A handful of small, real audio files and a configuration over them, for tests of the whole flow."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from noise2music.flows.config import make_settings
from noise2music.pipelines.settings import LabelSettings

RATE = 22050
WORDS = (
    "piano",
    "slow piano",
    "techno beat",
    "heavy metal guitar",
    "violin",
    "female vocal",
    "ambient pad",
    "drum machine",
    "flute solo",
    "choir",
)
SUFFIXES = ("wav", "flac", "ogg", "mp3")


def tone(seconds: float, number: int, rate: int = RATE) -> np.ndarray:
    """A chord with a beat; another for every number."""
    time = np.arange(round(seconds * rate)) / rate
    chord = sum(np.sin(2 * np.pi * 110 * (number + 2) * partial * time) / partial for partial in (1, 2, 3))
    return (0.2 * chord * (0.6 + 0.4 * np.sin(2 * np.pi * (1 + number % 4) * time))).astype(np.float32)


def write_music(folder: Path, tracks: int = 8, seconds: float = 3.5) -> Path:
    """Files track-0.wav, track-1.flac, ... and manifest.csv beside the folder; gives the path of the table."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number in range(tracks):
        name = f"track-{number}.{SUFFIXES[number % len(SUFFIXES)]}"
        soundfile.write(folder / name, tone(seconds + number * 0.25, number), RATE)
        rows.append(
            {"file": name, "title": f"Title {number}", "artist": f"Artist {number}", "licence": "CC0 1.0", "genre": WORDS[number % 10]}
        )
    return write_table(folder.parent / "manifest.csv", rows)


def write_table(path: Path, rows: list[dict[str, str]]) -> Path:
    """Rows as csv."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_toml(settings: LabelSettings, path: Path) -> Path:
    """Settings as a configuration file."""
    values = settings.model_dump(mode="json", exclude_none=True)
    lines = [f"{key} = {json.dumps(value)}" for key, value in values.items() if not isinstance(value, dict)]
    for table, inner in values.items():
        if isinstance(inner, dict):
            lines.append(f"[{table}]")
            lines += [f"{key} = {_inline(value)}" for key, value in inner.items()]
    path.write_text("\n".join(lines) + "\n")
    return path


def _inline(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def small_settings(folder: Path, root: str = "root", **changes: Any) -> LabelSettings:
    """Label `folder`/music into `folder`/`root`: one vocabulary of ten tags, small clips. `changes`: dotted keys with "__" for dots."""
    tags = folder / "tags.txt"
    tags.write_text("\n".join(WORDS) + "\n")
    raw = {
        "root": str(folder / root),
        "parts": 3,
        "corpus": {
            "audio": str(folder / "music"),
            "metadata": str(folder / "manifest.csv"),
            "columns": {"key": "file", "title": "title", "artist": "artist", "licence": "licence", "tags": ["genre"]},
            "clip_seconds": 3,
            "min_seconds": 0.5,
        },
        "vocabulary": {"words": {"kind": "tags", "source": str(tags)}},
        "sampling": {"top_k": 5, "labels_per_clip": {"words": 2}},
        "run": {"workers": 1},
    }
    overrides = [f"{name.replace('__', '.')}={_toml(value)}" for name, value in changes.items()]
    return make_settings(raw, overrides, "test")


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key} = {_toml(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


def parquet_tree(root: Path) -> dict[str, bytes]:
    """Every Parquet file of the stages below a root, by path."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*.parquet")) if "cache" not in path.parts}
