"""Songs and vocabularies from odd tables: what is lost or not as declared is in the manifest; an empty one is one line."""

import json
from pathlib import Path
from typing import Any

import pytest

from noise2music.core.errors import UserError
from noise2music.core.tally import Tally
from noise2music.flows.config import make_settings
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.writer_settings import SongColumns, Songs
from noise2music.pipelines.session import Session
from noise2music.pipelines.songs import songs, songs_of_table
from noise2music.pipelines.vocabulary import vocabulary

COLUMNS = SongColumns(tags=("tags",), tempo="tempo", musical_key=("key", "mode"))
ROWS: list[dict[str, Any]] = [
    {"title": 1979.0, "artist": "Pumpkins", "tags": ["rock"], "tempo": 127.0, "key": 0, "mode": 1},
    {"title": "nan", "artist": "nan", "tags": "['rock', 'pop']", "tempo": "120,5", "key": 5, "mode": 0},
    {"title": None, "artist": "X", "tags": None, "tempo": None, "key": None, "mode": None},
    {"title": "Song 2", "artist": ["Blur"], "tags": "['a' 'b']", "tempo": "120,5", "key": "F", "mode": "minor"},
    {"title": "Three", "artist": "Null", "tags": [{"id": 4, "name": "lo-fi"}], "tempo": "1e2", "key": 5, "mode": 0},
    {"title": True, "artist": "Bool", "tags": ["pop"], "tempo": 0, "key": -1, "mode": 1},
]


def session_over(folder: Path, **vocabulary_settings: str) -> Session:
    raw = {
        "root": str(folder / "root"),
        "parts": 2,
        "corpus": {"audio": str(folder)},
        "songs": {"source": str(folder / "songs.jsonl"), "columns": COLUMNS.model_dump(mode="json")},
        "vocabulary": {"words": {"kind": "tags", "source": str(folder / "words.csv"), **vocabulary_settings}},
        "run": {"workers": 1},
    }
    return Session(make_settings(raw, [], "test"))


def captions(made: Dataset) -> list[str]:
    return sorted(made.read(["caption"]).column("caption").to_pylist())


def test_songs_of_an_odd_table(tmp_path: Path) -> None:
    path = tmp_path / "songs.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    notes = Tally()
    found = [song for song in songs_of_table(Songs(source=str(path), columns=COLUMNS), notes) if song]
    assert [(song.title, song.artist, song.tags, song.tempo, song.musical_key) for song in found] == [
        ("1979", "Pumpkins", ("rock",), 127.0, "C major"),
        ("Song 2", "Blur", ("a", "b"), 120.5, "F minor"),
        ("Three", "Null", ("lo-fi",), 100.0, "F minor"),
    ]
    made = songs(session_over(tmp_path))
    assert (made.manifest.rows, made.manifest.excluded) == (3, {"no_title": 3})
    assert made.manifest.warnings == {"not_text": 1}
    assert "songs.jsonl, line 6" in made.manifest.warned["not_text"][0]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "holds no row"),
        ('{"title": "nan", "artist": "x", "tags": 1, "tempo": 1, "key": 1, "mode": 1}\n', "1 rows, and none has a title"),
    ],
)
def test_a_table_without_songs_is_one_line(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "songs.jsonl").write_text(content)
    with pytest.raises(UserError, match=words):
        songs(session_over(tmp_path))


def test_losses_of_a_vocabulary_are_warnings_and_the_sums_close(tmp_path: Path) -> None:
    rows = "caption;count\r\npiano;3\r\nguitar\r\nnan;1\r\n...;1\r\nPiano;2\r\nträumerisch;1\r\n['a' ... 'z'];1\r\n"
    (tmp_path / "words.csv").write_bytes(rows.encode("cp1252"))
    made = vocabulary(session_over(tmp_path), "words")
    assert captions(made) == ["Piano", "träumerisch"]
    stats = made.manifest.stats
    assert stats["read"] == 7 == stats["captions"] + sum(value for name, value in stats.items() if name.startswith("lost:"))
    assert made.manifest.warnings == {"bad_row": 1, "cut_list": 1, "empty": 1, "encoding": 1, "missing": 1}
    assert "with the semicolon as the separator" in made.manifest.warned["bad_row"][0]


@pytest.mark.parametrize(
    ("content", "words"), [("caption\n", "holds no caption"), ("caption,x\nnan,1\nshort\n", "Lost: 1 x bad_row, 1 x missing")]
)
def test_an_empty_vocabulary_stops_the_run(tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "words.csv").write_text(content)
    for _ in range(2):
        with pytest.raises(UserError, match=words) as caught:
            vocabulary(session_over(tmp_path), "words")
        assert "words.csv" in str(caught.value)
