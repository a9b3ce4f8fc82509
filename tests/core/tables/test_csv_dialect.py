"""Csv as programs write it: the separator, the quotes and the header are found, or the file is refused with the separators named."""

import csv
import io
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from noise2music.core.errors import UserError
from noise2music.core.tables.tables import table_rows, text_rows
from noise2music.core.tally import Tally
from noise2music.labeling.captions.vocabulary import read_captions
from noise2music.labeling.corpus.metadata import read_metadata
from noise2music.labeling.settings import Columns, VocabularySettings

HEAD = ["file", "title", "tags"]
ROWS = [["a.flac", "Amen, brother", "lo-fi; chill"], ["b.flac", 'Träne "sad"', "folk | vocals"], ["c.flac", "1979", "calm"]]
COLUMNS = Columns(key="file", title="title", tags=("tags",))


def written(**how: object) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, **{"lineterminator": "\n", **how}).writerows([HEAD, *ROWS])  # type: ignore[call-overload]
    return text.getvalue()


def rows_of(folder: Path, data: str | bytes, name: str = "t.csv", notes: Tally | None = None) -> list[list[str]]:
    (folder / name).write_bytes(data.encode() if isinstance(data, str) else data)
    return [[str(row.cells[name]) for name in HEAD] for row in table_rows(str(folder / name), HEAD, notes=notes)]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("quoting", [csv.QUOTE_MINIMAL, csv.QUOTE_ALL])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_every_dialect_says_the_same(tmp_path: Path, separator: str, end: str, quoting: int, encoding: str) -> None:
    assert rows_of(tmp_path, written(delimiter=separator, lineterminator=end, quoting=quoting).encode(encoding)) == ROWS


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\n" + written(delimiter=";"),
        "sep=;\r\n" + written(),
        "# made by hand\n# two lines\n" + written(),
        "# made by hand\n# " + written(),
        "\n\n" + written(),
        written(quoting=csv.QUOTE_ALL, escapechar="\\", doublequote=False),
        ",".join(HEAD) + ',\na.flac,"Amen, brother",lo-fi; chill,\nb.flac,"Träne ""sad""",folk | vocals,\nc.flac,1979,calm,\n',
        ",".join(HEAD) + '\na.flac,"Amen, brother",lo-fi; chill,\nb.flac,"Träne ""sad""",folk | vocals,\nc.flac,1979,calm,\n',
        'file, title, tags\na.flac, "Amen, brother", lo-fi; chill\nb.flac, "Träne ""sad""", folk | vocals\nc.flac, 1979, calm\n',
        ',file,title,tags\n0,a.flac,"Amen, brother",lo-fi; chill\n1,b.flac,"Träne ""sad""",folk | vocals\n2,c.flac,1979,calm\n',
        written() + ",,\n,,,,\n",
    ],
)
def test_what_programs_add(tmp_path: Path, text: str) -> None:
    assert rows_of(tmp_path, text) == ROWS


def test_a_tsv_without_quoting(tmp_path: Path) -> None:
    assert rows_of(tmp_path, 'file\ttitle\ttags\na\t12" mix\tx\nb\t"Heroes" live\ty\n', "t.tsv") == [
        ["a", '12" mix', "x"],
        ["b", '"Heroes" live', "y"],
    ]


def test_the_three_header_lines_of_fma(tmp_path: Path) -> None:
    text = ',album,track,track\n,title,title,genres\ntrack_id,,,\n2,Alb,Lobby,"[21, 10]"\n3,Alb,"Amen, brother","[21]"\n'
    (tmp_path / "tracks.csv").write_text(text)
    notes = Tally()
    columns = Columns(key="track_id", title="track.title", tags=("track.genres",))
    found = read_metadata(str(tmp_path / "tracks.csv"), columns, notes)
    assert {key: (row.title, row.facts.tags) for key, row in found.rows.items()} == {"2": ("Lobby", ()), "3": ("Amen, brother", ())}
    assert notes.lost == {"number_in_list": 3}
    with pytest.raises(UserError, match=r"no column 'title': did you mean 'album\.title' or 'track\.title'"):
        read_metadata(str(tmp_path / "tracks.csv"), Columns(key="track_id", title="title"))


def test_more_tags_than_columns_as_mtg_jamendo_writes_them(tmp_path: Path) -> None:
    path = tmp_path / "raw.tsv"
    path.write_text("TRACK_ID\tPATH\tTAGS\nt1\t14/214.mp3\tgenre---lo-fi\tmood/theme---calm\nt2\t15/215.mp3\tgenre---rock\n")
    found = read_metadata(str(path), Columns(key="PATH", tags=("TAGS",)))
    assert {key: row.facts.tags for key, row in found.rows.items()} == {"14/214.mp3": ("lo-fi", "calm"), "15/215.mp3": ("rock",)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("file;title\na;b\n", r"no column 'tags': .* It has|it has 'file', 'title' \(separated by semicolon\)"),
        ("song\nfirst\n", r"with each separator: comma: 1, semicolon: 1, tab: 1, bar: 1"),
        ("file;title;tags\na;b;c\nd;e;f;g\n", r"line 3: 4 cells where the header has 3 columns, with the semicolon as the separator"),
        ("file,title,tags\na,Amen, brother,x\n", r"line 2: 4 cells .* with the comma as the separator"),
        ("", r"t\.csv is empty"),
    ],
)
def test_a_refusal_names_the_separator(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        rows_of(tmp_path, text)


def captions(folder: Path, text: str, name: str = "t.csv", column: str = "caption") -> list[str]:
    (folder / name).write_bytes(text.encode())
    settings = VocabularySettings(kind="tags", source=str(folder / name), column=column)
    return [caption.text for caption in read_captions("words", settings, Tally())]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("caption;count\npiano;3\nguitar;2\n", ["piano", "guitar"]),
        ("caption\tcount\npiano\t3\nguitar\t2\n", ["piano", "guitar"]),
        ("caption\ncalm; piano\nfast; drums\n", ["calm; piano", "fast; drums"]),
        ('caption\n"calm, piano"\nfast, drums\n', ["calm, piano", "fast, drums"]),
        ("calm; piano\nfast, drums, loud\nslow\n", ["calm; piano", "fast, drums, loud", "slow"]),
        ("calm, piano\nfast, drums\n", ["calm, piano", "fast, drums"]),
        ("# my tags\nharp\nlute\n", ["harp", "lute"]),
        ("#lofi\nharp\n", ["#lofi", "harp"]),
        ("caption\n['a' 'b']\nrock|pop\n", ["a", "b", "rock", "pop"]),
    ],
)
def test_texts_are_never_split_and_counts_are_no_texts(tmp_path: Path, text: str, expected: list[str]) -> None:
    assert captions(tmp_path, text) == expected


@pytest.mark.parametrize("text", ["piano;3\nguitar;2\n", "tags\npiano;3\nguitar;2\n", "caption\ncalm;piano\nfast;drums\n", "a\tb\n"])
def test_what_may_be_several_cells_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(UserError, match="semicolon|separat"):
        captions(tmp_path, text if "\t" not in text else text * 2)


def test_lines_with_counts_are_refused_and_with_commas_are_not(tmp_path: Path) -> None:
    assert captions(tmp_path, "piano, 3 guitars\rdrums, 2\r", "t.txt") == ["piano, 3 guitars", "drums, 2"]
    assert captions(tmp_path, "caption\tcount\npiano\t3\n", "t.txt") == ["piano"]
    with pytest.raises(UserError, match="ends with a separator and a number"):
        captions(tmp_path, "piano;3\nguitar;2\n", "t.txt")


def test_one_bad_row_costs_no_other(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('file,title,tags\na,b,c\nshort\nd,"open,e\nf,g,h\ni,j\0,k\nl,m,n\n')
    losses = Tally()
    assert [row.cells["file"] for row in table_rows(str(path), HEAD, losses=losses)] == ["a", "f", "l"]
    assert losses.lost == {"bad_row": 3}


def test_lines_end_in_every_way(tmp_path: Path) -> None:
    (tmp_path / "t.txt").write_bytes("a\rb\r\nc\n\n d\u2028e \x85f".encode())
    assert [row.cells["x"] for row in text_rows(str(tmp_path / "t.txt"), "x")] == ["a", "b", "c", "d\u2028e \x85f"]


def test_what_was_found_is_said(tmp_path: Path) -> None:
    notes = Tally()
    rows_of(tmp_path, ("# made\n" + written() + ",,\n").encode("cp1252"), notes=notes)
    assert notes.lost == {"encoding": 1, "comments": 1, "blank_rows": 1}


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04rest", "Excel workbook"),
        (b"\x1f\x8brest", "gzip"),
        (b"<!DOCTYPE html><html>404</html>", "web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid 1\n", "Git LFS"),
    ],
)
@pytest.mark.parametrize("name", ["t.csv", "t.jsonl", "t.txt"])
def test_another_kind_of_file_is_named(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=words):
        list(text_rows(str(tmp_path / name), "x") if name == "t.txt" else table_rows(str(tmp_path / name), HEAD))


def test_parquet_under_another_name_is_read_and_said(tmp_path: Path) -> None:
    pq.write_table(pa.table({name: ["x"] for name in HEAD}), tmp_path / "t.csv")
    notes = Tally()
    assert [row.cells["file"] for row in table_rows(str(tmp_path / "t.csv"), HEAD, notes=notes)] == ["x"]
    assert notes.lost == {"format": 1}
