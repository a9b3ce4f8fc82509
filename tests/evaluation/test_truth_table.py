"""Tables of truth: which columns they have, which recording a row means, of which kind a tag is."""

from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.evaluation.truth_table import TruthColumns, read_truth

KEYS = ("a/one.wav", "a/two.wav", "three.mp3")


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_usual_columns_and_kinds(tmp_path: Path) -> None:
    rows = (
        "file,genre,instruments,mood,bpm,title",
        'one.wav,Jazz,"piano, vocals",calm,90,x',
        "a/two.wav,,tuba,,200,y",
        "three,rock;pop,,,slow,z",
    )
    truth = read_truth(write(tmp_path / "t.csv", "\n".join(rows)), TruthColumns(), KEYS)
    assert truth.tags == {
        "genre": {"a/one.wav": ("jazz",), "three.mp3": ("rock", "pop")},
        "instrument": {"a/one.wav": ("piano",), "a/two.wav": ("tuba",)},
        "mood": {"a/one.wav": ("calm",)},
        "tempo": {"a/one.wav": ("medium tempo",), "a/two.wav": ("fast",), "three.mp3": ("slow",)},
        "voice": {"a/one.wav": ("vocals",)},
    }
    assert truth.rows == 3
    assert truth.columns["tempo"] == ("bpm",)


def test_mixed_tags_get_their_kind_from_the_vocabulary(tmp_path: Path) -> None:
    truth = read_truth(write(tmp_path / "t.jsonl", '{"key": "three.mp3", "tags": ["jazz", "cello", "sad", "qqq"]}\n'), TruthColumns(), KEYS)
    assert truth.tags == {"genre": {"three.mp3": ("jazz",)}, "instrument": {"three.mp3": ("cello",)}, "mood": {"three.mp3": ("sad",)}}
    assert any("qqq" in said for said in truth.said)


def test_columns_by_configuration(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", "track,style,genre\nthree.mp3,jazz,rock\n")
    truth = read_truth(table, TruthColumns(key="track", genre=("style",)), KEYS)
    assert truth.tags == {"genre": {"three.mp3": ("jazz",)}}
    both = read_truth(table, TruthColumns(key="track", genre=("style", "genre"), mood=()), KEYS)
    assert both.tags == {"genre": {"three.mp3": ("jazz", "rock")}}


def test_rows_that_contradict_each_other_are_said_and_not_used(tmp_path: Path) -> None:
    table = write(tmp_path / "t.csv", "key,genre\nthree.mp3,jazz\nthree.mp3,rock\na/one.wav,pop\n")
    truth = read_truth(table, TruthColumns(), KEYS)
    assert truth.tags == {"genre": {"a/one.wav": ("pop",)}}
    assert any("contradict" in said and "three.mp3" in said for said in truth.said)


@pytest.mark.parametrize(
    ("text", "columns", "said"),
    [
        ("key,genre\n", {}, "holds no row"),
        ("name,genre\nx,jazz\n", {}, "has no column 'key'"),
        ("key,colour\nthree.mp3,red\n", {}, "no column of tags that is known; it has 'key', 'colour'"),
        ("key,genre\nfour.mp3,jazz\n", {}, "none of its 1 rows names one of the 3 labelled recordings"),
        ("key,genre\nthree.mp3,jazz\n", {"genre": ("style",)}, "has no column 'style'"),
    ],
)
def test_tables_that_cannot_be(tmp_path: Path, text: str, columns: dict, said: str) -> None:
    with pytest.raises(UserError, match=said):
        read_truth(write(tmp_path / "t.csv", text), TruthColumns(**columns), KEYS)
