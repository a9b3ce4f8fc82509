"""A table of songs and settings that let an LLM describe them, for tests of writing."""

from pathlib import Path
from typing import Any

from noise2music.flows.config import make_settings
from noise2music.pipelines.settings import LabelSettings
from tests.flows.music import write_table

MODEL = "test-model"


def song_rows(number: int) -> list[dict[str, str]]:
    """Songs whose titles hold no word of the replies."""
    return [
        {"title": f"Nightfall {index}", "artist": f"Quartz {index % 3}", "genre": "folk", "bpm": str(60 + index)} for index in range(number)
    ]


def written_settings(folder: Path, root: str, url: str | None, songs: int | None = 12, **changes: Any) -> LabelSettings:
    """Settings over `folder`/songs.csv, written with `songs` rows unless that is None. `changes`: dotted keys with "__" for dots."""
    table = folder / "songs.csv"
    if songs is not None:
        write_table(table, song_rows(songs))
    raw = {
        "root": str(folder / root),
        "parts": 3,
        "corpus": {"audio": str(folder / "music")},
        "songs": {"source": str(table), "columns": {"tags": ["genre"], "tempo": "bpm"}},
        "write": {"model": MODEL if url else "starter", "samples": 4},
        "vocabulary": {"llm_long": {"kind": "written"}},
        "run": {"workers": 1, "server": {"url": url} if url else {}},
    }
    return make_settings(raw, [f"{name.replace('__', '.')}={value}" for name, value in changes.items()], "test")
