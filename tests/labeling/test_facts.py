"""Facts of a row: what is read, what is unknown."""

import pytest

from labeling.facts import Facts, fact_names, read_facts, read_tempo
from labeling.settings import SongColumns
from labeling.songs import Song, read_songs, songs_table
from labeling.tables import Row

COLUMNS = SongColumns(tags=("genre", "mood"), instruments=("played",), tempo="bpm", musical_key=("key", "mode"))


@pytest.mark.parametrize(
    ("text", "tempo"),
    [
        ("113", 113.0),
        ("113.5 bpm", 113.5),
        ("~120", 120.0),
        ("", None),
        ("fast", None),
        ("120-140", None),
        ("9", None),
        ("401", None),
        ("0", None),
        ("1e9" * 99, None),
    ],
)
def test_a_tempo_is_one_number_of_beats_a_minute(text: str, tempo: float | None) -> None:
    assert read_tempo(text) == tempo


def test_facts_of_a_row() -> None:
    cells = {"genre": "Rock; Pop", "mood": ["Calm", "rock"], "played": "Piano, drums", "bpm": 90, "key": "F#", "mode": "minor"}
    assert fact_names(COLUMNS) == ("genre", "mood", "played", "bpm", "key", "mode")
    assert read_facts(Row("here", cells), COLUMNS) == Facts(("rock", "pop", "calm"), ("piano", "drums"), 90.0, "F# minor")


def test_a_row_that_says_nothing() -> None:
    assert read_facts(Row("here", {"genre": None, "played": "", "bpm": "?", "key": " "}), COLUMNS) == Facts()


def test_songs_are_in_key_order_each_once_and_come_back() -> None:
    one = Song.of("T", "A", Facts(("rock", "piano"), ("piano",), 100.0, "C major"))
    assert one.tags == ("rock",)
    songs = [one, Song("T"), Song("T", "A"), one, Song("T", None, ("A",))]
    table = songs_table(songs)
    assert table == songs_table(songs[::-1])
    assert sorted(read_songs(table).values(), key=repr) == sorted(set(songs), key=repr)
    assert table.column("song_id").to_pylist() == sorted({song.song_id for song in songs})
