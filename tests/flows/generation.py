"""Small batch jobs over a cascade of a few thousand parameters, and what has to be equal between two of them."""

import json
import shutil
from pathlib import Path
from typing import Any

from noise2music.core.storage import Store, open_store
from noise2music.models.generation.settings import GenerationSettings
from noise2music.models.job.output_store import MANIFEST
from noise2music.models.job.settings import GenerateSettings
from tests.models.generation.small_cascade import write_small_cascade

SECONDS = 0.4
WORDS = ("slow piano", "loud drums", "тихая скрипка 🎻", "a flute", "techno", "an organ drone", "sad strings", "marimba")


def small_job(folder: Path, out: str = "out", **changes: Any) -> GenerateSettings:
    """Settings of a job below a folder: its prompts.csv and cascade are made unless they are there. `changes`: keys, "__" for dots."""
    if not (folder / "cascade").is_dir():
        write_small_cascade(folder / "cascade.partial")
        (folder / "cascade.partial").rename(folder / "cascade")
    if not (folder / "prompts.csv").is_file():
        write_prompts(folder / "prompts.csv", 4)
    raw: dict[str, Any] = {
        "prompts": str(folder / "prompts.csv"),
        "checkpoints": str(folder / "cascade"),
        "out": out if "://" in out else str(folder / out),
        "seconds": SECONDS,
        "run": {"workers": 2, "device": "cpu"},
    }
    for name, value in changes.items():
        *tables, last = name.split("__")
        table = raw
        for key in tables:
            table = table.setdefault(key, {})
        table[last] = value
    return GenerateSettings.model_validate(raw)


def write_prompts(path: Path, number: int) -> Path:
    """So many prompts, each with a key of its own."""
    rows = [f'p{place:03d},"{WORDS[place % len(WORDS)]}, take {place}"' for place in range(number)]
    path.write_text("key,prompt\n" + "\n".join(rows) + "\n", encoding="utf-8")
    return path


def write_job(settings: GenerateSettings, path: Path) -> Path:
    """Settings as a configuration file."""
    values = settings.model_dump(mode="json", exclude_none=True)
    lines = [f"{name} = {json.dumps(value)}" for name, value in values.items() if not isinstance(value, dict)]
    lines += ["[run]", *(f"{name} = {json.dumps(value)}" for name, value in values["run"].items())]
    assert settings.generation == GenerationSettings()
    path.write_text("\n".join(lines) + "\n")
    return path


def copy_job(folder: Path, settings: GenerateSettings, out: str) -> GenerateSettings:
    """The same job into another place."""
    return settings.model_copy(update={"out": str(folder / out)})


def content(place: str | Store) -> dict[str, bytes]:
    """All that has to be equal between two places: everything but pages, and the records and manifest without the seconds spent."""
    store = place if isinstance(place, Store) else open_store(place)
    found = {entry.path: store.get(entry.path) for entry in store.entries()}
    kept = {path: data for path, data in found.items() if path not in ("index.html", "manifest.parquet")}
    timeless = {path: _timeless(data) for path, data in kept.items() if path == MANIFEST or path.startswith("clips/")}
    return kept | timeless


def _timeless(data: bytes) -> bytes:
    rows = [json.loads(line) for line in data.decode().split("\n") if line]
    assert all(row.pop("seconds_spent") > 0 for row in rows)
    return json.dumps(rows).encode()


def remove(settings: GenerateSettings) -> None:
    """Forget a place of this machine."""
    shutil.rmtree(settings.out, ignore_errors=True)
