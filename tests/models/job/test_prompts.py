"""Files of prompts: every row is a clip or a dead letter with its reason, whatever the order of the rows."""

import csv
import json
import random
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from noise2music.core.errors import RowError, UserError
from noise2music.models.job.prompt import check_key
from noise2music.models.job.prompts import PromptFile, read_prompts

UNREADABLE_SPANS = ("5-2", "x", "0-40", "1:3", [[1]], [0, "a"], "[", [-1, 2], [3, 3], [[0, 10**400]])


def write_rows(path: Path, rows: list[dict[str, Any]]) -> str:
    """Rows in the format that the suffix names."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    elif path.suffix == ".csv":
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
            writer.writeheader()
            writer.writerows(rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    return str(path)


def read(path: Path, *rows: dict[str, Any]) -> PromptFile:
    return read_prompts(write_rows(path, list(rows)), seconds=30.0, seed=0)


def reasons(file: PromptFile) -> dict[str, str]:
    """Reason by key as it was given."""
    return {letter.key: letter.reason for letter in file.dead}


def test_a_text_file_is_a_prompt_a_line(tmp_path: Path) -> None:
    path = tmp_path / "prompts.txt"
    path.write_text("\ufeffslow piano\n\n  \r\nslow piano\r\nтихая скрипка 🎻\n", encoding="utf-8")
    file = read_prompts(str(path), 30.0, 7)
    assert [prompt.prompt for prompt in file.prompts] == ["slow piano", "тихая скрипка 🎻"]
    assert all(len(prompt.key) == 16 and prompt.seconds == 30.0 and prompt.seed == 7 for prompt in file.prompts)
    assert (file.dead, file.rows) == ((), 3)


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_every_format_says_the_same(tmp_path: Path, suffix: str) -> None:
    rows = [
        {"prompt": "a", "key": "one", "seed": 3, "seconds": 5.5, "negative_prompt": "drums", "init": "x.wav", "keep": "0-2; 3-4.5"},
        {"prompt": "b", "key": None, "seed": None, "seconds": None, "negative_prompt": None, "init": None, "keep": None},
    ]
    first, second = read(tmp_path / f"p{suffix}", *rows).prompts
    assert (first.key, first.seed, first.seconds, first.negative, first.init) == ("one", 3, 5.5, "drums", "x.wav")
    assert first.keep == ((0.0, 2.0), (3.0, 4.5))
    assert (second.seed, second.seconds, second.negative, second.keep) == (0, 30.0, None, ())
    assert second.key == read(tmp_path / "p.txt.jsonl", {"prompt": "b"}).prompts[0].key


def test_a_key_that_cannot_name_a_file_is_a_dead_letter(tmp_path: Path) -> None:
    bad = ["../etc/passwd", "a/b", ".hidden", "..", "a b", "a\nb", "a\0b", "größe", "a\\b", "x" * 101, "a\u202eb", "con:1"]
    file = read(tmp_path / "p.jsonl", {"prompt": "p", "key": "good-1_2.x"}, *({"prompt": "p", "key": key} for key in bad))
    assert [prompt.key for prompt in file.prompts] == ["good-1_2.x"]
    assert [letter.reason for letter in file.dead] == ["bad_key"] * len(bad)
    assert all(letter.name == f"rows/{letter.request}" for letter in file.dead)
    assert len({letter.name for letter in file.dead}) == len(bad)


@given(st.text())
def test_a_key_is_a_plain_name_or_refused(key: str) -> None:
    try:
        assert Path("/root/folder", check_key(key)).resolve() == Path(f"/root/folder/{key}")
        assert key.isascii()
    except RowError:
        assert not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", key)


def test_values_that_make_no_clip(tmp_path: Path) -> None:
    rows = {
        "empty_prompt": [{"prompt": ""}, {"prompt": "  \n"}, {"prompt": None}, {}, {"prompt": "\u200b\ufeff"}, {"prompt": "\x01\x02"}],
        "bad_prompt": [{"prompt": ["a"]}, {"prompt": True}, {"prompt": {"a": 1}}],
        "long_prompt": [{"prompt": "x" * 100_001}],
        "long_negative": [{"prompt": "p", "negative": "x" * 100_001}],
        "bad_seconds": [{"prompt": "p", "seconds": value} for value in (0, -1, 10_000, "long", "nan", "inf", 600.1, "1_0", True)],
        "bad_seed": [{"prompt": "p", "seed": value} for value in (-1, 1.5, "x", 2**63, "1_000")],
        "bad_keep": [{"prompt": "p", "init": "a.wav", "keep": value} for value in UNREADABLE_SPANS] + [{"prompt": "p", "keep": "0-1"}],
    }
    numbered = [(reason, {"key": f"{reason}-{n}", **row}) for reason, some in rows.items() for n, row in enumerate(some)]
    file = read(tmp_path / "p.jsonl", {"prompt": "10,000 " * 1400, "seconds": 600, "seed": 2**63 - 1}, *(row for _, row in numbered))
    assert reasons(file) == {row["key"]: reason for reason, row in numbered}
    assert len(file.prompts) == 1
    assert all(letter.name == letter.key for letter in file.dead)


def test_what_is_no_text_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "p.jsonl"
    path.write_text('{"prompt": "a\\u0000b \\ud83c"}\n{"prompt": 808}\n')
    assert [prompt.prompt for prompt in read_prompts(str(path), 30.0, 0).prompts] == ["a b ?", "808"]


def test_equal_rows_are_one_clip_and_a_key_with_two_meanings_is_none(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"prompt": "a", "key": "same"},
        {"prompt": "a", "key": "same", "seed": 0},
        {"prompt": "a", "key": "two"},
        {"prompt": "b", "key": "two"},
        {"prompt": "a", "key": "Case"},
        {"prompt": "a", "key": "case"},
        {"prompt": "a", "key": "half"},
        {"prompt": "a", "key": "half", "seconds": -1},
        {"prompt": "a"},
        {"prompt": "a"},
    ]
    expected = read(tmp_path / "p.jsonl", *rows)
    assert [prompt.key for prompt in expected.prompts][:1] == ["same"]
    assert len(expected.prompts) == 2
    assert reasons(expected) == {"two": "key_conflict", "Case, case": "key_conflict", "half": "key_conflict"}
    assert ["bad_seconds: seconds is -1" in letter.message for letter in expected.dead if letter.key == "half"] == [True]
    for number in range(5):
        random.Random(number).shuffle(rows)
        again = read(tmp_path / "p.jsonl", *rows)
        assert set(again.prompts) == set(expected.prompts)
        assert {letter.name: letter for letter in again.dead} == {letter.name: letter for letter in expected.dead}


def test_numbers_as_a_database_writes_them(tmp_path: Path) -> None:
    table = pa.table({"prompt": ["a", "b"], "seconds": pa.array([Decimal("1.5"), None]), "seed": pa.array([Decimal(7), Decimal(8)])})
    pq.write_table(table, tmp_path / "p.parquet")
    assert [(prompt.seconds, prompt.seed) for prompt in read_prompts(str(tmp_path / "p.parquet"), 30.0, 0).prompts] == [(1.5, 7), (30.0, 8)]


def test_a_parquet_cell_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    broken = pa.array([b"fine", b"\xff\xfe"]).cast(pa.binary()).view(pa.string())
    pq.write_table(pa.table({"prompt": broken}), tmp_path / "p.parquet")
    with pytest.raises(UserError, match=r"p\.parquet, row 2: column 'prompt' holds what cannot be read"):
        read_prompts(str(tmp_path / "p.parquet"), 30.0, 0)


def test_a_request_is_all_that_is_asked_for(tmp_path: Path) -> None:
    base: dict[str, Any] = {"prompt": "p", "key": "k", "init": "a.wav", "keep": "0-1"}
    changes = ({}, {"prompt": "q"}, {"seed": 1}, {"seconds": 29}, {"negative": "n"}, {"init": "b.wav"}, {"keep": "0-2"}, {"key": "l"})
    made = {read(tmp_path / "p.jsonl", base | change).prompts[0].request for change in changes}
    assert len(made) == len(changes)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("p.csv", b"promt\na\n", r"p\.csv, line 2: unknown column 'promt': did you mean 'prompt'\?"),
        ("p.csv", b"prompt,genre\na,b\n", r"unknown column 'genre': Known are prompt, key, seed"),
        ("p.csv", b"prompt,negative,negative_prompt\na,b,c\n", r"both 'negative' and 'negative_prompt' are given"),
        ("p.csv", b"prompt,prompt\na,b\n", r"has 2 columns 'prompt'"),
        ("p.csv", b"key\na\n", r"has no column 'prompt'"),
        ("p.csv", b'prompt\n"never closed\nb\n', r"the row that begins in line 2 cannot be read"),
        ("p.csv", b"prompt,key\na,b\na\n", r"line 3: 1 cells where the header has 2"),
        ("p.csv", b"prompt\n", r"holds no prompt"),
        ("p.csv", b"", r"is empty"),
        ("p.jsonl", b'{"prompt": "a"}\n{"prompt": \n', r"line 2: not JSON \(Expecting value at character \d+\)"),
        ("p.jsonl", b'{"prompt": "a", "prompt": "b"}\n', r"line 1: 'prompt' is given twice"),
        ("p.jsonl", b'{"prompt": "a"}\n["b"]\n', r"line 2: a list where a JSON object is expected"),
        ("p.jsonl", b'{"promptt": "a"}\n', r"did you mean 'prompt'\?"),
        ("p.txt", b"\n\n", r"holds no prompt"),
        ("p.txt", b"a\nb\xff\n", r"line 2: not UTF-8"),
        ("p.txt", b"a\nb\0\n", r"line 2: a NUL byte"),
        ("p.parquet", b"PAR1 nothing", r"is no readable Parquet file"),
        ("p.xlsx", b"", r"ends in \.txt, \.csv, \.tsv, \.jsonl, \.json or \.parquet"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_clear_error(tmp_path: Path, name: str, content: bytes, said: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=said):
        read_prompts(str(tmp_path / name), 30.0, 0)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"cannot read .*nothing\.txt"):
        read_prompts(str(tmp_path / "nothing.txt"), 30.0, 0)


@pytest.mark.parametrize(
    ("name", "content", "prompts", "said"),
    [
        ("p.txt", "calm piano\rfast drums, loud bass\rsad violin\r", ["calm piano", "fast drums, loud bass", "sad violin"], []),
        ("p.txt", '"calm piano"\r\n"fast drums"\r\n', ["calm piano", "fast drums"], ["in quotes"]),
        ("p.txt", "1. calm piano\n2. fast drums\n", ["calm piano", "fast drums"], ["numbered from 1"]),
        ("p.txt", "# mine\n#1 hit\ncalm\ncalm\n", ["#1 hit", "calm"], ["4 lines, 1 of them comments", "3 rows ask for 2"]),
        ("p.txt", "1. calm piano\n808 drums\n", ["1. calm piano", "808 drums"], []),
        ("p.txt", "prompt\tseconds\ncalm\t2\n", ["calm"], []),
        ("p.txt", "träumerisches Klavier\n".encode("cp1252"), ["träumerisches Klavier"], ["read as cp1252"]),
        ("p.txt", "calm\nfast\n".encode("utf-16"), ["calm", "fast"], ["read as utf-16"]),
        ("p.csv", "\ufeffprompt;seconds\r\ncalm piano;1,5\r\nfast, loud;1,5\r\n", ["calm piano", "fast, loud"], []),
        ("p.csv", "Prompt,Seconds\ncalm,1\n", ["calm"], []),
        ("p.csv", ",prompt,seconds\n0,calm,1\n1,fast,1\n", ["calm", "fast"], []),
        ("p.csv", "Unnamed: 0,prompt\n0,calm\n", ["calm"], []),
        ("p.csv", "prompt,seconds\n,\ncalm,1\n,,\n", ["calm"], ["2 rows without a single value"]),
        ("p.csv", "prompt\ncalm piano, soft; slow\n", ["calm piano, soft; slow"], []),
        ("p.csv", "ytid,start_s,caption\nx,30,calm\n", ["calm"], ["'caption' holds the prompts; left out: ytid, start_s"]),
        ("p.tsv", "prompt\tseconds\ncalm\t1\n", ["calm"], []),
        ("p.json", '[{"prompt": "calm"}, {"prompt": "fast"}]', ["calm", "fast"], []),
        ("p.json", '{"prompt": {"0": "calm", "1": "fast"}, "seconds": {"0": 1, "1": 2}}', ["calm", "fast"], []),
        ("p.jsonl", '"calm"\n"fast"\n', ["calm", "fast"], []),
        ("p.jsonl", '{"prompt": "calm"},\n{"prompt": "fast"}', ["calm", "fast"], ["1 lines end with a comma"]),
    ],
)
def test_files_as_programs_write_them(tmp_path: Path, name: str, content: str | bytes, prompts: list[str], said: list[str]) -> None:
    (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    file = read_prompts(str(tmp_path / name), 30.0, 0)
    assert [prompt.prompt for prompt in file.prompts] == prompts
    assert not file.dead
    assert len(file.notes) == len(said)
    assert all(any(words in line for line in file.notes) for words in said), file.notes


def test_what_is_rather_a_mistake_is_refused(tmp_path: Path) -> None:
    for content, words in (
        ("captoin,prompt\na,b\n", "unknown column 'captoin'"),
        ("caption,secnds\na,b\n", "unknown column 'secnds': did you mean 'seconds'"),
        (",prompt\nx,calm\n", "the column '' holds 'x', which is no row number"),
    ):
        (tmp_path / "p.csv").write_text(content)
        with pytest.raises(UserError, match=words):
            read_prompts(str(tmp_path / "p.csv"), 30.0, 0)


def test_missing_values_as_pandas_writes_them(tmp_path: Path) -> None:
    (tmp_path / "p.csv").write_text("prompt,key,negative,seconds\nnan,a,x,1\ncalm,nan,nan,\nfast,b,,1e1\n")
    file = read_prompts(str(tmp_path / "p.csv"), 30.0, 0)
    assert reasons(file) == {"a": "empty_prompt"}
    assert [(prompt.negative, prompt.seconds) for prompt in file.prompts] == [(None, 30.0), (None, 10.0)]
    pq.write_table(pa.table({"prompt": ["calm"], "__index_level_0__": [0]}), tmp_path / "p.parquet")
    assert read_prompts(str(tmp_path / "p.parquet"), 30.0, 0).prompts[0].prompt == "calm"
