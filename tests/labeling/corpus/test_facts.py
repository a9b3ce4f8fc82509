"""Facts of a row: what is read, what is unknown."""

import pytest

from noise2music.core.tables.tables import Row
from noise2music.core.tally import Tally
from noise2music.labeling.corpus.facts import Facts, fact_names, read_facts, read_key, read_tempo
from noise2music.labeling.corpus.songs import Song, read_songs, songs_table
from noise2music.labeling.writer_settings import SongColumns

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
        ("120,5", 120.5),
        ("1e2", 100.0),
        ("200.1 BPM", 200.1),
        ("120, 140", None),
        ("1,200", None),
    ],
)
def test_a_tempo_is_one_number_of_beats_a_minute(text: str, tempo: float | None) -> None:
    assert read_tempo(text) == tempo


@pytest.mark.parametrize(
    ("texts", "key"),
    [
        (["0", "1"], "C major"),
        (["5", "0"], "F minor"),
        (["0 1"], "C major"),
        (["7"], "G"),
        (["F#", "0"], "F# minor"),
        (["F", "minor"], "F minor"),
        (["8A"], "8A"),
        (["-1", "1"], None),
        (["13", "1"], None),
        (["5", "7"], None),
        ([], None),
    ],
)
def test_a_key_in_numbers_is_that_of_spotify(texts: list[str], key: str | None) -> None:
    assert read_key(texts) == key


def test_what_a_row_says_without_meaning_is_said() -> None:
    notes = Tally()
    row = Row("t.csv, line 2", {"genre": "['lo-fi' 'chill']", "mood": "['sad'", "bpm": "fast", "key": 13, "mode": 1}, notes)
    assert read_facts(row, COLUMNS) == Facts(("lo-fi", "chill"))
    assert notes.lost == {"bad_list": 1, "tempo_unread": 1, "key_unread": 1}
    assert read_facts(Row("t", {"key": -1, "mode": 1}, notes), COLUMNS) == Facts()
    assert notes.lost.total() == 3


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
