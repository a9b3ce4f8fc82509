import io
import os
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.core.storage import open_existing, open_store, read_uri


def test_put_replaces_and_create_does_not(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    assert store.create("a/b.bin", b"first")
    assert not store.create("a/b.bin", b"second")
    assert store.get("a/b.bin") == b"first"
    store.put("a/b.bin", b"third")
    assert store.get("a/b.bin") == b"third"


def test_of_sixteen_writers_one_wins(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    with ThreadPoolExecutor(16) as pool:
        won = list(pool.map(lambda n: store.create("one", bytes([n]) * 1000), range(16)))
    assert won.count(True) == 1
    assert store.get("one") == bytes([won.index(True)]) * 1000


def test_entries_folders_and_head(tmp_path: Path) -> None:
    store = open_store(str(tmp_path))
    for name in ("embed/aa/x", "embed/bb/y", "z"):
        store.put(name, name.encode())
    assert {entry.path: entry.bytes for entry in store.entries("embed")} == {"embed/aa/x": 10, "embed/bb/y": 10}
    assert store.folders() == ["embed"]
    assert store.folders("embed") == ["aa", "bb"]
    assert store.head("nothing") is None
    before = store.head("z")
    store.put("z", b"other")
    assert before is not None
    assert before.stamp != store.head("z").stamp  # type: ignore[union-attr]


def test_the_reader_seeks_like_a_file(tmp_path: Path) -> None:
    data = bytes(range(256)) * 5000
    store = open_store(str(tmp_path))
    store.put("data", data)
    with store.reader("data") as file:
        file.seek(1000)
        assert file.read(10) == data[1000:1010]
        file.seek(-5, io.SEEK_END)
        assert file.read() == data[-5:]


def test_deleting_what_is_not_there_is_fine(tmp_path: Path) -> None:
    open_store(str(tmp_path)).delete("nothing")


def test_a_store_travels_to_workers(tmp_path: Path) -> None:
    store = pickle.loads(pickle.dumps(open_store(str(tmp_path))))
    store.put("x", b"1")
    assert (tmp_path / "x").read_bytes() == b"1"


def test_messages_name_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot read .*captions.csv"):
        read_uri(str(tmp_path / "captions.csv"))
    with pytest.raises(UserError, match="no folder"):
        open_existing(str(tmp_path / "nothing"))
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="cannot open"):
        open_store(str(tmp_path / "file"))


@pytest.mark.parametrize("uri", ["gcs://bucket/x", "http://[x", "", "file://[x/y"])
def test_what_is_no_place_is_one_error_and_no_folder(uri: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for use in (open_store, open_existing, read_uri):
        with pytest.raises(UserError):
            use(uri)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("uri", ["s3:foo.csv", "s3://bucket", "s3://bucket/", "//[x]/y.csv"])
def test_what_names_no_file_cannot_be_read(uri: str) -> None:
    with pytest.raises(UserError, match="cannot read"):
        read_uri(uri)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UserError, match="pipe"):
        read_uri(str(tmp_path / "pipe"))
