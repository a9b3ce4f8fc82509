from collections import Counter
from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.labeling.corpus.describe import describe, oddities
from noise2music.labeling.settings import Columns, Corpus

FILES = ["a/one song.mp3", "a/two.mp3", "b/three.flac", "b/four.wav"]


def corpus(folder: Path, text: str, min_matched: float = 0.5) -> Corpus:
    (folder / "table.csv").write_text(text, encoding="utf-8")
    return Corpus(audio="music", metadata=str(folder / "table.csv"), columns=Columns(key="file", title="title"), min_matched=min_matched)


def complaint(folder: Path, text: str, files: list[str] | None = None, min_matched: float = 0.5) -> str:
    with pytest.raises(UserError) as caught:
        describe(corpus(folder, text, min_matched), FILES if files is None else files)
    message = str(caught.value)
    assert "\n" not in message
    return message


def rows(*names: str) -> str:
    return "file,title\n" + "".join(f"{name},T\n" for name in names)


def test_without_a_table_nothing_is_known() -> None:
    metadata, described = describe(Corpus(audio="music"), FILES)
    assert described.tracks == dict.fromkeys(FILES)
    assert not metadata.rows


def test_a_table_that_meets_nothing_stops_the_run_with_examples_of_both(tmp_path: Path) -> None:
    message = complaint(tmp_path, rows("x1", "x2", "x3", "x4"))
    assert "table.csv: 0 of 4 rows meet a file of music, which has 4. Rows: 'x1', 'x2', 'x3'." in message
    assert "Files: 'a/one song.mp3', 'a/two.mp3', 'b/four.wav'." in message
    assert "No name of a row is like that of any file." in message
    assert "`corpus.columns.key` (now 'file')" in message
    assert "min_matched" not in message
    assert complaint(tmp_path, rows("x1"), min_matched=0)


def test_the_share_is_of_the_smaller_side(tmp_path: Path) -> None:
    many = [f"gone {number}" for number in range(50)]
    assert describe(corpus(tmp_path, rows(*FILES[:2], *many)), FILES)[1].match_count == 2
    assert describe(corpus(tmp_path, rows(FILES[0])), FILES)[1].match_count == 1
    message = complaint(tmp_path, rows(FILES[0], *many))
    assert "1 of 51 rows meet a file of music, which has 4 (corpus.min_matched = 0.5)" in message
    assert "lower corpus.min_matched" in message
    assert describe(corpus(tmp_path, rows(FILES[0], *many), min_matched=0.25), FILES)[1].match_count == 1


def test_what_comes_nearest_is_said(tmp_path: Path) -> None:
    other = "file,title,where\n1,T,C:\\x\\a\\two.mp3\n2,T,three\n3,T,nothing\n"
    assert "The column 'where' would meet 2 files (in the first 3 rows)." in complaint(tmp_path, other)
    assert "one name in different folders" in complaint(tmp_path, rows("c/two.mp3"))
    assert "0 of 1 rows meet a file" in complaint(tmp_path, "file,title,other,other\nx1,T,a/two.mp3,a\n")
    assert "1 rows could mean several files, for example 'one': 'x/one.mp3', 'y/one.mp3'." in complaint(
        tmp_path, rows("one"), ["x/one.mp3", "y/one.mp3"]
    )
    assert "'one_song.mp3' is most like 'a/one song.mp3'" in complaint(tmp_path, rows("one_song.mp3"))


def test_a_table_without_rows_or_names_says_that(tmp_path: Path) -> None:
    assert "table.csv holds no row" in complaint(tmp_path, rows())
    assert "none of 2 rows has a name in column 'file'" in complaint(tmp_path, rows("", " "))


def test_what_did_not_meet_exactly_is_said_once(tmp_path: Path) -> None:
    table = "file,title\n" + "\n".join(
        ["a/one song.mp3,1", "A\\ONE SONG.MP3,other", "/data/a/two.mp3,2", "three.ogg,3", "gone.mp3,4", "c/four.wav,5", ",6"]
    )
    described = describe(corpus(tmp_path, table), [*FILES, "more.mp3"])[1]
    found = {(item.reason, item.key, item.about_file) for item in oddities(described)}
    assert found == {
        ("matched_by_folder", "a/two.mp3", True),
        ("matched_by_suffix", "b/three.flac", True),
        ("file_without_metadata", "b/four.wav", True),
        ("file_without_metadata", "more.mp3", True),
        ("second_row", "A\\ONE SONG.MP3", False),
        ("row_without_file", "gone.mp3", False),
        ("row_without_file", "c/four.wav", False),
        ("row_without_file", "(no name)", False),
    }
    hint = next(item.message for item in oddities(described) if item.key == "c/four.wav")
    assert hint == "no file has this path; in another folder there is 'b/four.wav'"


def test_rows_that_could_mean_several_files_are_named(tmp_path: Path) -> None:
    described = describe(corpus(tmp_path, rows("x.mp3", "c.mp3")), ["a/x.mp3", "b/x.mp3", "c.mp3"])[1]
    assert Counter(item.reason for item in oddities(described)) == {"file_without_metadata": 2, "ambiguous_row": 1}
