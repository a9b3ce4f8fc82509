import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.core.errors import UserError
from noise2music.core.tables.fields import MAX_FIELD_CHARACTERS
from noise2music.core.tally import Tally
from noise2music.labeling.corpus.facts import Facts
from noise2music.labeling.corpus.metadata import Metadata, TrackMetadata, read_metadata
from noise2music.labeling.settings import Columns
from tests.core.audio.audio_files import MUSIC, needs_music

COLUMNS = Columns(key="file", title="title", licence="licence", tags=("genre", "mood"))
ROWS: list[dict[str, Any]] = [
    {"file": "a.mp3", "title": 'One, "two"\nthree', "licence": "CC0", "genre": "Rock; pop", "mood": "calm,ROCK"},
    {"file": "b c/ü.mp3", "title": "", "licence": "CC BY 4.0", "genre": "", "mood": "sad|slow"},
    {"file": "c.mp3", "title": "3", "licence": "", "genre": "", "mood": ""},
]
EXPECTED = {
    "a.mp3": TrackMetadata('One, "two" three', None, "CC0", None, Facts(("rock", "pop", "calm"))),
    "b c/ü.mp3": TrackMetadata(None, None, "CC BY 4.0", None, Facts(("sad", "slow"))),
    "c.mp3": TrackMetadata("3"),
}


def csv_text(rows: list[dict[str, Any]], end: str = "\n") -> str:
    lines = [list(rows[0]), *([row[name] for name in rows[0]] for row in rows)]
    return end.join(",".join('"' + str(cell).replace('"', '""') + '"' for cell in line) for line in lines) + end


def read(tmp_path: Path, data: bytes | str, suffix: str = "csv", columns: Columns = COLUMNS) -> Metadata:
    path = tmp_path / f"table.{suffix}"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return read_metadata(str(path), columns)


def complaint(tmp_path: Path, data: bytes | str, suffix: str = "csv", columns: Columns = COLUMNS) -> str:
    with pytest.raises(UserError) as caught:
        read(tmp_path, data, suffix, columns)
    return str(caught.value).replace(str(tmp_path), "")


def metadata(*keys: str) -> Metadata:
    return Metadata({key: TrackMetadata(key) for key in keys}, frozenset())


def titles(table: Metadata, *keys: str) -> dict[str, str | None]:
    return {key: known.title if known else None for key, known in table.match(keys).tracks.items()}


def test_three_formats_say_the_same(tmp_path: Path) -> None:
    parquet = tmp_path / "made.parquet"
    lists = [{**row, "mood": [row["mood"], None], "title": row["title"] or None} for row in ROWS]
    pq.write_table(pa.Table.from_pylist(lists), parquet)
    tables = [
        read(tmp_path, csv_text(ROWS)),
        read(tmp_path, "\ufeff" + csv_text(ROWS, "\r\n")),
        read(tmp_path, "\n".join(json.dumps(row) for row in lists), "jsonl"),
        read(tmp_path, parquet.read_bytes(), "parquet"),
        read(tmp_path, csv_text(ROWS[::-1] + ROWS)),
    ]
    for table in tables:
        assert table == Metadata(EXPECTED, frozenset())
        assert table.digest() == tables[0].digest()


def test_numbers_and_missing_values_become_text(tmp_path: Path) -> None:
    lines = ['{"file": 7, "title": 1999, "mood": true}', '{"file": "x", "title": NaN, "genre": null, "licence": ["a", "b"]}']
    assert read(tmp_path, "\n".join(lines), "jsonl").rows == {
        "7": TrackMetadata("1999"),
        "x": TrackMetadata(licence="a, b"),
    }


@given(st.permutations(range(8)))
@settings(max_examples=25)
def test_the_order_of_rows_does_not_matter(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    rows = [
        {"file": f"{number % 5}.mp3", "title": "same" if number % 5 else str(number), "licence": "", "genre": "", "mood": ""}
        for number in range(8)
    ]
    folder = tmp_path_factory.mktemp("order")
    table = read(folder, csv_text([rows[number] for number in order]))
    assert table == read(folder, csv_text(rows))
    assert table.digest() == read(folder, csv_text(rows)).digest()
    assert table.ambiguous == {"0.mp3"}


def test_a_key_twice_is_ambiguous_only_with_different_values(tmp_path: Path) -> None:
    table = read(tmp_path, "file,title,licence,genre,mood\na.mp3,T,,,\n./a.mp3, T ,,,\nb.mp3,T,,,\nb.mp3,U,,,\n")
    assert set(table.rows) == {"a.mp3", "./a.mp3", "b.mp3"}
    found = table.match(["a.mp3", "x/b.mp3"])
    assert found.tracks == {"a.mp3": TrackMetadata("T")}
    assert found.ambiguous_files == {"x/b.mp3": ("b.mp3",)}
    assert found.without_file == ()


def test_the_digest_tells_tables_apart(tmp_path: Path) -> None:
    base = "file,title,licence,genre,mood\na.mp3,T,,,\n"
    tables = [base, base + "b.mp3,T,,,\n", base.replace("T,", "U,"), base + "a.mp3,U,,,\n", base + ",U,,,\n", base.replace("T,,,", ",T,,")]
    assert len({read(tmp_path, text).digest() for text in tables}) == len(tables)


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    text = "File,title,licence,genre,mod\na,b,c,d,e\n"
    assert complaint(tmp_path, text) == (
        "/table.csv has no column 'file': did you mean 'File' or 'title'? It has 'File', 'title', 'licence', 'genre', 'mod'. "
        "Name the right one, or mend the header."
    )
    assert "has no column 'mood': did you mean 'mod'?" in complaint(tmp_path, text.replace("File", "file"))
    assert "has no column 'mood'" in complaint(tmp_path, '{"file": "a", "title": 1, "licence": 1, "genre": 2}', "jsonl")
    assert "has 2 columns 'title'" in complaint(tmp_path, "file,title,title,licence,genre,mood\n")
    assert len(complaint(tmp_path, ",".join(f"{'x' * 5000}{number}" for number in range(2000)))) < 2500


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", ["is empty"]),
        (b"file,title,licence,genre,mood\na,b,c,d,e\na,b,c\n", ["line 3", "3 cells where the header has 5 columns"]),
        (b'file,title,licence,genre,mood\n"a\nb",b,c,d,e\na,b,c,d,e,f\n', ["line 4", "6 cells"]),
        (b'file,title,licence,genre,mood\na,b,c,d,e\na,"b,c,d,e\nf,g,h,i,j\n', ["begins in line 3", "must be closed"]),
        (b'file,title,licence,genre,mood\na,"b" x,c,d,e\n', ["begins in line 2"]),
        (b"file,title,licence,genre,mood\na,b\0,c,d,e\n", ["line 2", "NUL"]),
        (b"file,title,licence,genre,mood\na,\xc3\xa9\xe9,c,d,e\n", ["line 2", "not UTF-8"]),
        (b"file,title,licence,genre,mood\na,\xe9\xff\xfe,c,d,e\n", ["line 2", "not UTF-8"]),
        ("file,title,licence,genre,mood\n".encode("utf-16"), ["holds no row"]),
        ("file,title,licence,genre,mood\na".encode("utf-16")[:-1], ["UTF-16", "Save it as UTF-8"]),
    ],
)
def test_a_broken_csv_is_named_with_its_line(tmp_path: Path, data: bytes, words: list[str]) -> None:
    message = complaint(tmp_path, data)
    assert all(word in message for word in ["table.csv", *words]), message


@pytest.mark.parametrize(
    ("suffix", "data", "words"),
    [
        ("jsonl", b'{"file": "a"}\n{"file": \n', ["line 2", "not JSON"]),
        ("jsonl", b'\n["a"]\n', ["line 2", "a list where a JSON object"]),
        ("jsonl", b"[" * 100_000, ["line 1", "not JSON"]),
        ("jsonl", b'{"file": "a", "title": {"x": 1}, "licence": 1, "genre": 1, "mood": 1}', ["line 1", "'title' holds a dict"]),
        ("parquet", b"PAR1 nonsense", ["no readable Parquet file"]),
        ("xlsx", b"x", ["ends in .csv, .tsv, .jsonl, .json or .parquet"]),
    ],
)
def test_other_broken_tables(tmp_path: Path, suffix: str, data: bytes, words: list[str]) -> None:
    message = complaint(tmp_path, data, suffix)
    assert all(word in message for word in [f"table.{suffix}", *words]), message


def test_a_table_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_metadata(str(tmp_path / "gone.csv"), COLUMNS)


def test_long_and_strange_values_are_bounded(tmp_path: Path) -> None:
    table = read(tmp_path, f"file,title,licence,genre,mood\na.mp3,{'x' * 2**20},<b>\x07\x1b,{'y' * 2**20},\n")
    row = table.rows["a.mp3"]
    assert row.title == "x" * (MAX_FIELD_CHARACTERS - 1) + "…"
    assert row.licence == "<b>"
    assert len(row.facts.tags[0]) == 100


def test_a_lone_surrogate_becomes_a_question_mark(tmp_path: Path) -> None:
    table = read(tmp_path, '{"file": "a\\ud800", "title": "b\\udfff", "licence": "", "genre": "", "mood": ""}', "jsonl")
    assert table.rows == {"a?": TrackMetadata("b?")}


def test_rows_mean_files_by_path_first() -> None:
    table = metadata("a/x.mp3", "b/x.mp3")
    assert titles(table, "a/x.mp3", "b/x.mp3", "c/x.mp3") == {"a/x.mp3": "a/x.mp3", "b/x.mp3": "b/x.mp3", "c/x.mp3": None}


def test_a_split_is_a_word_in_lower_case(tmp_path: Path) -> None:
    cells = ["Test ", " TRAIN", "nan", "NULL", "-", '""', "hold out"]
    text = "file,part\n" + "".join(f"{number},{cell}\n" for number, cell in enumerate(cells))
    rows = read(tmp_path, text, columns=Columns(key="file", split="part")).rows
    assert [rows[str(number)].split for number in range(7)] == ["test", "train", None, None, None, None, "hold out"]


def test_unicode_forms_are_one() -> None:
    assert titles(metadata("é.mp3"), "e\u0301.mp3") == {"e\u0301.mp3": "é.mp3"}


@pytest.mark.parametrize(
    ("row", "key"),
    [
        ("x.mp3", "a/b/x.mp3"),
        ("music/a/x.mp3", "a/x.mp3"),
        ("x", "x.mp3"),
        ("a/x", "a/x.flac"),
        ("a/x.wav", "a/x.flac"),
        ("x", "a/x.mp3"),
        ("x.WAV", "a/x.mp3"),
        ("op. 9", "op. 9.mp3"),
        ("s3://bucket/music/x.mp3", "x.mp3"),
    ],
)
def test_then_by_unique_name(row: str, key: str) -> None:
    found = metadata(row).match([key, "other.mp3"])
    assert found.tracks == {key: TrackMetadata(row), "other.mp3": None}
    assert (found.ambiguous_files, found.without_file) == ({}, ())


@pytest.mark.parametrize(
    ("rows", "keys"),
    [
        (["x.mp3"], ["a/x.mp3", "b/x.mp3"]),
        (["x"], ["x.mp3", "x.wav"]),
        (["rock/01.mp3"], ["jazz/01.mp3"]),
        (["rock/01"], ["jazz/01.mp3"]),
        (["op. 9"], ["op.mp3"]),
        (["ax.mp3"], ["x.mp3"]),
    ],
)
def test_what_is_not_certain_matches_nothing(rows: list[str], keys: list[str]) -> None:
    found = metadata(*rows).match(keys)
    assert found.tracks == dict.fromkeys(keys)
    assert not found.ambiguous_files
    assert found.without_file == tuple(sorted(rows))


@pytest.mark.parametrize(
    ("rows", "nearest"),
    [
        (["x.mp3", "X.mp3", "/data/x.mp3", "x"], "x.mp3"),
        (["X.mp3", "/DATA/X.mp3", "x.wav"], None),
        (["/data/x.mp3", "D:\\MUSIC\\X.MP3"], "/data/x.mp3"),
        (["p/x.mp3", "q/x.mp3"], None),
        (["./x.mp3", "/x.mp3"], None),
    ],
)
def test_of_several_rows_for_one_file_the_nearest_counts_or_the_file_is_ambiguous(rows: list[str], nearest: str | None) -> None:
    found = metadata(*rows).match(["x.mp3"])
    assert found.tracks == ({"x.mp3": TrackMetadata(nearest)} if nearest else {})
    assert bool(found.ambiguous_files) == (nearest is None)
    alike = Metadata({name: TrackMetadata("same") for name in rows}, frozenset()).match(["x.mp3"])
    assert (alike.tracks, alike.without_file) == ({"x.mp3": TrackMetadata("same")}, ())


def test_rows_and_files_without_the_other_are_told(tmp_path: Path) -> None:
    table = read(tmp_path, "file,title,licence,genre,mood\na.mp3,T,,,\ngone.mp3,U,,,\n,V,,,\n")
    found = table.match(["a.mp3", "b.mp3"])
    assert found.tracks == {"a.mp3": TrackMetadata("T"), "b.mp3": None}
    assert not found.ambiguous_files
    assert found.without_file == ("", "gone.mp3")


NAMES = st.lists(
    st.sampled_from(["a.mp3", "x/a.mp3", "y/a.mp3", "a", "x/a", "b.wav", "b", "y/b.mp3", "../a.mp3", "/b"]), max_size=6, unique=True
)


@given(NAMES, NAMES)
def test_every_row_means_one_file_at_most(rows: list[str], keys: list[str]) -> None:
    table = metadata(*rows)
    found = table.match(keys)
    used = [row.title for row in found.tracks.values() if row]
    blamed = [name for names in found.ambiguous_files.values() for name in names]
    assert {*found.tracks, *found.ambiguous_files} == set(keys)
    assert not found.tracks.keys() & found.ambiguous_files.keys()
    assert sorted([*used, *blamed, *found.without_file]) == sorted(rows)  # type: ignore[list-item]
    assert found.used == len(used)
    assert metadata(*rows[::-1]).match(keys[::-1]) == table.match(keys)


@needs_music
def test_the_shared_manifest() -> None:
    columns = Columns(key="file", title="title", artist="artist", licence="licence", tags=("genre", "instruments", "mood"))
    table = read_metadata(str(MUSIC / "manifest.csv"), columns)
    found = table.match([path.name for path in MUSIC.iterdir() if path.suffix != ".csv"])
    assert len(found.tracks) == 68
    assert all(row and row.licence for row in found.tracks.values())
    assert (found.ambiguous_files, found.by_step, found.without_file) == ({}, {}, ())


def test_lists_and_missing_values_as_pandas_writes_them(tmp_path: Path) -> None:
    notes = Tally()
    path = tmp_path / "t.csv"
    path.write_text(
        "file,title,licence,genre,mood\na.mp3,nan,None,\"['lo-fi', 'chill']\",['a' 'b']\nb.mp3,Null,<NA>,NULL,['x'\n", encoding="utf-8"
    )
    rows = read_metadata(str(path), COLUMNS, notes).rows
    assert rows["a.mp3"] == TrackMetadata(facts=Facts(("lo-fi", "chill", "a", "b")))
    assert rows["b.mp3"] == TrackMetadata("Null")
    assert notes.lost == {"bad_list": 1}
    assert "t.csv, line 3" in notes.examples["bad_list"][0]


def test_numbers_that_gaps_made_decimal(tmp_path: Path) -> None:
    table = pa.table({"file": [2.0, 3.0], "title": [1979.0, None], "licence": ["a", "b"], "genre": [["x"], None], "mood": ["", ""]})
    pq.write_table(table, tmp_path / "t.parquet")
    rows = read_metadata(str(tmp_path / "t.parquet"), COLUMNS).rows
    assert {key: row.title for key, row in rows.items()} == {"2": "1979", "3": None}


@pytest.mark.parametrize(("data", "suffix"), [("file,title,licence,genre,mood\n", "csv"), ("", "jsonl"), ("[]", "json")])
def test_a_table_without_rows_is_refused(tmp_path: Path, data: str, suffix: str) -> None:
    assert "holds no row" in complaint(tmp_path, data, suffix)
