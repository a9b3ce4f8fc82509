"""The file below the embedding cache: shared, killed, torn, overwritten, taken away."""

import gc
import logging
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.models.text.sqlite_cache import SqliteCache

WRITER = """
import sys
from pathlib import Path
from noise2music.models.text.sqlite_cache import SqliteCache
name, start, stop = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
file = SqliteCache(Path(sys.argv[1]))
print("open", flush=True)
for number in range(start, stop):
    key = b"%06d" % number
    file.write(key, key * 900)
    assert file.read(key) == key * 900
"""


def writer(path: Path, name: str, start: int, stop: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", WRITER, str(path), name, str(start), str(stop)]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)


def key(number: int) -> bytes:
    return b"%06d" % number


def filled(path: Path, rows: int = 100) -> Path:
    """A file of `rows` rows that nobody has open: SQLite's connections are freed with cycles."""
    file = SqliteCache(path)
    for number in range(rows):
        file.write(key(number), key(number) * 900)
    del file
    gc.collect()
    assert not path.with_name(path.name + "-wal").exists()
    return path


def warnings_of(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "n2m"]


@pytest.fixture(autouse=True)
def _heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging.getLogger("n2m"), "propagate", True)


def test_processes_share_it(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    processes = [writer(path, name, start, start + 150) for name, start in (("a", 0), ("b", 100), ("c", 200))]
    assert [process.wait(60) for process in processes] == [0, 0, 0]
    file = SqliteCache(path)
    assert all(file.read(key(number)) == key(number) * 900 for number in range(350))
    assert file.read(key(350)) is None


def test_a_killed_writer_leaves_whole_rows(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    process = writer(path, "a", 0, 1_000_000)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(0.3)
    process.kill()
    process.wait()
    file = SqliteCache(path)
    found = [file.read(key(number)) for number in range(20_000)]
    there = [row is not None for row in found]
    count = sum(there)
    assert count > 10
    assert there[:count] == [True] * count
    assert all(row == key(number) * 900 for number, row in enumerate(found[:count]))


@pytest.mark.parametrize("keep", [50, 100, 4095, 4096, 4097, 8192, 20_000, 60_000])
def test_a_file_cut_short_is_read_or_begun_anew(tmp_path: Path, keep: int, caplog: pytest.LogCaptureFixture) -> None:
    path = filled(tmp_path / "rows.sqlite")
    path.write_bytes(path.read_bytes()[:keep])
    file = SqliteCache(path)
    for number in range(100):
        assert file.read(key(number)) in (None, key(number) * 900)
        file.write(key(number), b"new")
    assert all(file.read(key(number)) == b"new" for number in range(100) if number)
    assert len(warnings_of(caplog)) == 1
    assert "is damaged" in warnings_of(caplog)[0]


@pytest.mark.parametrize("start", [0, 16, 4096, 8192, 30_000])
def test_a_file_overwritten_in_the_middle_gives_no_wrong_row(tmp_path: Path, start: int, caplog: pytest.LogCaptureFixture) -> None:
    path = filled(tmp_path / "rows.sqlite")
    data = bytearray(path.read_bytes())
    data[start : start + 3000] = b"\x5a" * 3000
    path.write_bytes(data)
    file = SqliteCache(path)
    for number in range(100):
        assert file.read(key(number)) in (None, key(number) * 900)
    file.write(b"key", b"new")
    assert file.read(b"key") == b"new"
    assert len(warnings_of(caplog)) <= 1


def test_garbage_is_begun_anew_and_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "rows.sqlite"
    path.write_bytes(b"this is no database" * 1000)
    SqliteCache(path).write(b"key", b"data")
    assert SqliteCache(path).read(b"key") == b"data"
    assert [message for message in warnings_of(caplog) if "is damaged" in message] == warnings_of(caplog)
    assert len(warnings_of(caplog)) == 1


def test_two_that_meet_damage_in_use_begin_one_new_file(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = filled(tmp_path / "rows.sqlite", 400)
    first, second = SqliteCache(path), SqliteCache(path)
    with path.open("r+b") as raw:
        raw.seek(4096)
        raw.write(b"\x5a" * 200_000)
    first.read(key(1))
    first.write(b"first", b"data")
    second.read(key(1))
    assert second.read(b"first") == b"data"
    assert len(warnings_of(caplog)) == 1


@pytest.mark.parametrize(
    "change", ["data = 5", "data = 'text'", "data = substr(data, 1, 40)", "data = zeroblob(length(data))", "checksum = x''"]
)
def test_a_row_that_was_damaged_is_no_row(tmp_path: Path, change: str) -> None:
    path = filled(tmp_path / "rows.sqlite", 1)
    with sqlite3.connect(path) as file:
        file.execute(f"UPDATE embeddings SET {change}")
    file.close()
    again = SqliteCache(path)
    assert again.read(key(0)) is None
    again.write(key(0), b"mended")
    assert again.read(key(0)) == b"mended"


def test_a_row_moved_to_another_key_is_no_row(tmp_path: Path) -> None:
    path = filled(tmp_path / "rows.sqlite", 1)
    with sqlite3.connect(path) as file:
        file.execute("UPDATE embeddings SET key = ?", (b"other",))
    file.close()
    assert SqliteCache(path).read(b"other") is None


def test_a_place_that_cannot_be_written_is_an_error_of_the_user(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "rows.sqlite").mkdir()
    for path in (tmp_path / "file" / "rows.sqlite", tmp_path / "rows.sqlite"):
        with pytest.raises(UserError, match=r"cannot open the embedding cache .*rows\.sqlite.*Set text\.cache"):
            SqliteCache(path)


def test_a_database_of_something_else_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "rows.sqlite"
    with sqlite3.connect(path) as file:
        file.execute("CREATE TABLE embeddings (mine)")
        file.execute("INSERT INTO embeddings VALUES ('precious')")
    file.close()
    with pytest.raises(UserError, match="no such column"):
        SqliteCache(path)
    with sqlite3.connect(path) as file:
        assert file.execute("SELECT mine FROM embeddings").fetchall() == [("precious",)]
    file.close()


def test_a_disk_that_fails_in_use_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that may not grow stands for a full disk."""
    file = SqliteCache(tmp_path / "rows.sqlite")
    assert file._connection is not None
    file._connection.execute("PRAGMA max_page_count = 10")
    for number in range(100):
        file.write(key(number), key(number) * 900)
    assert file.read(key(0)) is None
    assert len(warnings_of(caplog)) == 1
    assert "is no longer used" in warnings_of(caplog)[0]
