"""Object storage on a real S3 server (tests/s3_server.py)."""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import obstore
import pytest

from noise2music.core.errors import RowError, UserError
from noise2music.core.storage import may_pass, open_existing, open_store, read_uri
from noise2music.flows.inspect import verify_root
from noise2music.flows.label import label
from noise2music.flows.tables import show_clip, write_labels
from noise2music.labeling.corpus.files import content_hash, list_corpus, open_audio
from noise2music.labeling.datasets.current import current_names, read_labels
from tests.flows.music import parquet_tree, small_settings, write_music

pytestmark = [pytest.mark.s3, pytest.mark.timeout(600)]


def test_put_create_head_list_and_delete(bucket: str) -> None:
    store = open_store(f"{bucket}/plain")
    assert store.head("a/b") is None
    assert store.create("a/b", b"first")
    assert not store.create("a/b", b"second")
    before = store.head("a/b")
    store.put("a/b", b"third")
    after = store.head("a/b")
    assert before is not None
    assert after is not None
    assert store.get("a/b") == b"third"
    assert before.stamp != after.stamp
    store.put("a/c/d", b"1")
    store.put("ab", b"2")
    assert {entry.path: entry.bytes for entry in store.entries("a")} == {"a/b": 5, "a/c/d": 1}
    assert store.folders() == ["a"]
    assert store.folders("a") == ["c"]
    store.delete("a/b")
    store.delete("a/b")
    with pytest.raises(FileNotFoundError):
        store.get("a/b")


def test_an_object_says_what_it_is(bucket: str) -> None:
    """So that a browser shows a page that lies in a bucket."""
    store = open_store(f"{bucket}/kinds")
    store.put("index.html", b"<p>")
    store.create("audio/a.flac", b"fLaC")
    store.put("plain", b"")
    kinds = {path: obstore.get(store._objects, path).attributes.get("Content-Type") for path in ("index.html", "audio/a.flac")}
    assert kinds == {"index.html": "text/html; charset=utf-8", "audio/a.flac": "audio/flac"}
    assert store.get("plain") == b""


def test_of_sixteen_writers_one_wins(bucket: str) -> None:
    store = open_store(f"{bucket}/race")
    for name in ("one", "two", "three"):
        with ThreadPoolExecutor(16) as pool:
            won = list(pool.map(lambda n, name=name: store.create(name, bytes([n]) * 100_000), range(16)))
        assert won.count(True) == 1
        assert store.get(name) == bytes([won.index(True)]) * 100_000


def test_more_than_a_page_of_objects_is_listed(bucket: str) -> None:
    store = open_store(f"{bucket}/many")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: store.put(f"{n:04d}", b""), range(1100)))
    assert sorted(entry.path for entry in store.entries()) == [f"{n:04d}" for n in range(1100)]


def test_the_reader_seeks_like_a_file(bucket: str) -> None:
    data = os.urandom(3_000_000)
    store = open_store(f"{bucket}/reader")
    store.put("data", data)
    with store.reader("data") as file:
        assert file.seek(2_500_000) == 2_500_000
        assert file.read(10) == data[2_500_000:2_500_010]
        file.seek(-5, io.SEEK_END)
        assert file.read() == data[-5:]
        assert file.read() == b""
        file.seek(0)
        assert file.read() == data
    assert read_uri(f"{bucket}/reader/data") == data


def test_what_the_server_refuses_is_said_in_one_line_and_does_not_pass(bucket: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UserError, match=r"cannot list s3://no-such-bucket/x: NoSuchBucket: ") as missing:
        list_corpus("s3://no-such-bucket/x")
    open_store(bucket).put("refused/x.wav", b"1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "wrongwrong")
    store = open_store(f"{bucket}/refused")
    failures = [missing]
    for call in (lambda: store.get("x.wav"), lambda: list(store.entries()), lambda: store.put("y", b""), lambda: store.create("y", b"")):
        with pytest.raises(UserError, match=r"cannot (read|list|write) s3://bucket/refused") as refused:
            call()
        failures.append(refused)
    for failure in failures:
        assert "\n" not in str(failure.value)
        assert not may_pass(failure.value)
    with pytest.raises(RowError):
        open_audio(f"{bucket}/refused", "x.wav")


def test_a_server_that_does_not_answer_stops_the_run_and_may_pass(monkeypatch: pytest.MonkeyPatch, bucket: str) -> None:
    """Its rows must not become dead letters."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    with pytest.raises(UserError, match="does not answer") as away:
        open_audio(f"{bucket}/music", "track-0.wav")
    assert may_pass(away.value)
    assert "\n" not in str(away.value)


def test_a_run_from_bucket_to_bucket_is_the_run_of_this_machine(bucket: str, tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=6)
    local_settings = small_settings(tmp_path)
    local = label(local_settings).datasets
    store = open_store(bucket)
    for path in (*sorted((tmp_path / "music").iterdir()), tmp_path / "manifest.csv", tmp_path / "tags.txt"):
        store.put(str(path.relative_to(tmp_path)), path.read_bytes())
    raw = local_settings.as_json()
    raw["root"] = f"{bucket}/labels"
    raw["corpus"] |= {"audio": f"{bucket}/music", "metadata": f"{bucket}/manifest.csv"}
    raw["vocabulary"]["words"]["source"] = f"{bucket}/tags.txt"
    settings = type(local_settings).model_validate(raw)

    remote = label(settings).datasets
    for stage in ("ingest", "embed", "audio", "shard"):
        assert getattr(remote, stage).digest == getattr(local, stage).digest
    for stage in ("vocabulary", "embed_text", "retrieve", "null", "count", "sample"):
        assert getattr(remote.vocabularies["words"], stage).digest == getattr(local.vocabularies["words"], stage).digest
    root = open_existing(settings.root)
    copied = {entry.path: root.get(entry.path) for entry in root.entries() if entry.path.endswith(".parquet")}
    here = parquet_tree(tmp_path / "root")
    unequal = {path.split("/")[0] for path in {*copied, *here} if copied.get(path) != here.get(path)}
    # Named after the ETags: the bytes of ingest are compared above, by its digest.
    assert unequal - {"current", "views"} == {"inventory", "probe", "fingerprint", "copies", "ingest"}

    assert {path for path in copied if path.startswith("current/")} == {f"current/{name}" for name in current_names(remote.shard)}
    assert read_labels(settings.root, audio=True).equals(read_labels(local_settings.root, audio=True))
    assert label(settings).nothing_done
    assert verify_root(root)[1] == []
    write_labels(root, tmp_path / "remote.csv")
    write_labels(open_store(str(tmp_path / "root")), tmp_path / "local.csv")
    assert (tmp_path / "remote.csv").read_bytes() == (tmp_path / "local.csv").read_bytes()
    assert show_clip(root, "track-0.wav") == show_clip(open_store(str(tmp_path / "root")), "track-0.wav")

    removed = f"{remote.embed.path}/{remote.embed.manifest.parts[1].files[0].path}"
    root.delete(removed)
    again = label(settings)
    assert [item.dataset.stage for item in again.built if item.new_parts] == ["embed"]
    assert root.get(removed) == copied[removed]

    with open_audio(settings.corpus.audio, "track-1.flac") as file:
        assert content_hash(file) == next(row for row in local.ingest.read().to_pylist() if row["key"] == "track-1.flac")["sha256"]
