import hashlib
import io
import os
from pathlib import Path

import pytest

from noise2music.core.errors import RowError, UserError
from noise2music.core.storage import Store
from noise2music.labeling.corpus import files as corpus
from noise2music.labeling.corpus.files import AudioFile, content_hash, identify, list_corpus, open_audio

ODD_NAMES = [
    "two words.mp3",
    "a'b\"c.mp3",
    "line\nbreak.mp3",
    "Ünïcödé 音楽.mp3",
    "#1 50% & more?.mp3",
    "..mp3",
    "back\\slash.mp3",
    "-rf.mp3",
    "e\u0301.mp3",
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "corpus"
    made.mkdir()
    return made


def fill(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(name.encode())


def reasons(folder: Path) -> dict[str, str]:
    return {key: error.reason for key, error in list_corpus(str(folder)).refused}


def test_files_are_listed_by_suffix_in_key_order(folder: Path) -> None:
    fill(
        folder,
        "b.mp3",
        "a/z.FLAC",
        "a/b/c.Opus",
        "B.wav",
        "cover.jpg",
        "a/cover.jpg",
        "notes",
        "x.y/.hidden.ogg",
        "a.weird suffix",
        "._b.mp3",
    )
    found = list_corpus(str(folder))
    assert [file.key for file in found.files] == ["B.wav", "a/b/c.Opus", "a/z.FLAC", "b.mp3", "x.y/.hidden.ogg"]
    assert [file.bytes for file in found.files] == [len(file.key) for file in found.files]
    assert found.ignored == {"": 2, "jpg": 2, "mp3": 1}
    assert found.refused == ()


def test_odd_names_are_names(folder: Path) -> None:
    fill(folder, *ODD_NAMES)
    found = list_corpus(str(folder))
    assert {file.key for file in found.files} == set(ODD_NAMES)
    for file in found.files:
        with open_audio(str(folder), file.key) as opened:
            assert opened.read() == file.key.encode()
            assert opened.seek(0) == 0


def test_a_file_uri_is_a_folder_too(folder: Path) -> None:
    fill(folder, "a.mp3")
    assert list_corpus(f"file://{folder}").files == list_corpus(str(folder)).files


def test_links_that_lead_out_are_refused_and_never_opened(folder: Path, tmp_path: Path) -> None:
    fill(folder, "in.mp3")
    fill(tmp_path, "outside/secret.mp3", "corpus-beside/secret.mp3")
    (folder / "file.mp3").symlink_to(tmp_path / "outside" / "secret.mp3")
    (folder / "relative.mp3").symlink_to("../outside/secret.mp3")
    (folder / "beside.mp3").symlink_to(tmp_path / "corpus-beside" / "secret.mp3")
    (folder / "linked").symlink_to(tmp_path / "outside")
    (folder / "hop.mp3").symlink_to(folder / "linked" / "secret.mp3")
    (folder / "notes.txt").symlink_to(tmp_path / "outside" / "secret.mp3")
    assert [file.key for file in list_corpus(str(folder)).files] == ["in.mp3"]
    assert reasons(folder) == dict.fromkeys(["beside.mp3", "file.mp3", "hop.mp3", "linked", "relative.mp3"], "link_out_of_corpus")
    outside = [
        "file.mp3",
        "relative.mp3",
        "linked/secret.mp3",
        "../outside/secret.mp3",
        str(tmp_path / "outside/secret.mp3"),
        "",
        ".",
        "a\0b",
        "x//y",
    ]
    for key in outside:
        with pytest.raises(RowError) as caught:
            open_audio(str(folder), key)
        assert caught.value.reason == "link_out_of_corpus", key


def test_links_inside_are_files_and_loops_end(folder: Path) -> None:
    fill(folder, "a/one.mp3")
    (folder / "a" / "loop").symlink_to(folder)
    (folder / "again").symlink_to(folder / "a")
    (folder / "two.mp3").symlink_to(folder / "a" / "one.mp3")
    (folder / "self.mp3").symlink_to(folder / "self.mp3")
    (folder / "gone.mp3").symlink_to(folder / "nowhere.mp3")
    (folder / "gone").symlink_to(folder / "nowhere")
    found = list_corpus(str(folder))
    assert [file.key for file in found.files] == ["a/one.mp3", "two.mp3"]
    assert reasons(folder) == {"gone.mp3": "broken_link", "self.mp3": "broken_link"}
    with open_audio(str(folder), "two.mp3") as file:
        assert file.read() == b"a/one.mp3"


def test_the_corpus_itself_may_be_a_link(folder: Path, tmp_path: Path) -> None:
    fill(folder, "a.mp3")
    (tmp_path / "link").symlink_to(folder)
    assert [file.key for file in list_corpus(str(tmp_path / "link")).files] == ["a.mp3"]
    assert open_audio(str(tmp_path / "link"), "a.mp3").read() == b"a.mp3"


def test_what_is_no_file_is_refused_and_never_waited_for(folder: Path) -> None:
    fill(folder, "x.mp3/inner.mp3")
    os.mkfifo(folder / "pipe.mp3")
    assert [file.key for file in list_corpus(str(folder)).files] == ["x.mp3/inner.mp3"]
    assert reasons(folder) == {"pipe.mp3": "not_a_file", "x.mp3": "not_a_file"}
    for key in ("pipe.mp3", "x.mp3", "gone.mp3"):
        with pytest.raises(RowError) as caught:
            open_audio(str(folder), key)
        assert caught.value.reason == "unreadable"
        assert str(folder) not in caught.value.message


def test_names_that_are_not_utf8_are_refused_with_an_escaped_key(folder: Path) -> None:
    fill(folder, "a.mp3")
    root = os.fsencode(folder)
    Path(os.fsdecode(root + b"/caf\xe9.mp3")).write_bytes(b"x")
    os.mkdir(root + b"/d\xff")
    Path(os.fsdecode(root + b"/d\xff/inner.mp3")).write_bytes(b"x")
    assert reasons(folder) == {"caf\\xe9.mp3": "name_not_utf8", "d\\xff": "name_not_utf8"}
    assert [file.key for file in list_corpus(str(folder)).files] == ["a.mp3"]


@pytest.mark.skipif(os.geteuid() == 0, reason="permissions do not bind the superuser")
def test_what_may_not_be_read_is_refused(folder: Path) -> None:
    fill(folder, "a.mp3", "b.mp3", "closed/c.mp3")
    (folder / "b.mp3").chmod(0)
    (folder / "closed").chmod(0)
    try:
        assert reasons(folder) == {"b.mp3": "unreadable", "closed": "unreadable"}
    finally:
        (folder / "closed").chmod(0o700)


def test_a_folder_that_cannot_be_listed_costs_itself_alone(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder, "a.mp3", "closed/c.mp3")
    real = os.scandir

    def scandir(path: str):  # type: ignore[no-untyped-def]
        if path.endswith("closed"):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert reasons(folder) == {"closed": "unreadable"}


def test_no_audio_is_said_with_what_to_do(folder: Path) -> None:
    with pytest.raises(UserError, match=r"holds nothing.*Give a folder with files that end in aac, ac3, aif"):
        list_corpus(str(folder))
    fill(folder, "a.txt", "b.txt")
    with pytest.raises(UserError, match=r"only other files \(2\)"):
        list_corpus(str(folder))
    with pytest.raises(UserError, match="there is no folder"):
        list_corpus(str(folder / "nowhere"))
    with pytest.raises(UserError, match="is a file"):
        list_corpus(str(folder / "a.txt"))
    assert not (folder / "nowhere").exists()


def test_content_hash_reads_in_blocks() -> None:
    data = os.urandom(3 * 2**20 + 17)
    file = io.BytesIO(data)
    assert content_hash(file) == hashlib.sha256(data).hexdigest()
    assert content_hash(io.BytesIO()) == hashlib.sha256().hexdigest()


def test_identify_reads_again_only_what_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder, "a.mp3", "b.mp3", "c.mp3")
    done: list[int] = []
    files = list_corpus(str(folder)).files
    contents, cache = identify(str(folder), files, None, done.append)
    assert contents == {name: hashlib.sha256(name.encode()).hexdigest() for name in ("a.mp3", "b.mp3", "c.mp3")}
    assert sum(done) == 3
    assert identify(str(folder), files[::-1], None)[1].equals(cache)

    status = (folder / "b.mp3").stat()
    (folder / "b.mp3").write_bytes(b"B.mp3")
    os.utime(folder / "b.mp3", ns=(status.st_atime_ns, status.st_mtime_ns))
    fill(folder, "d.mp3")
    (folder / "c.mp3").unlink()
    opened: list[str] = []
    real = corpus.open_audio
    monkeypatch.setattr(corpus, "open_audio", lambda uri, key: opened.append(key) or real(uri, key))
    done.clear()
    contents, cache = identify(str(folder), list_corpus(str(folder)).files, cache, done.append)
    assert sorted(opened) == ["b.mp3", "d.mp3"]
    assert contents["b.mp3"] == hashlib.sha256(b"B.mp3").hexdigest()
    assert cache.column("key").to_pylist() == ["a.mp3", "b.mp3", "d.mp3"]
    assert sum(done) == 3


def test_a_file_that_cannot_be_hashed_has_a_content_of_its_own(folder: Path) -> None:
    fill(folder, "a.mp3")
    contents, cache = identify(str(folder), [*list_corpus(str(folder)).files, AudioFile("gone.mp3", 7, "0")])
    assert contents["gone.mp3"] == "etag:unreadable:7"
    assert cache.column("key").to_pylist() == ["a.mp3"]


def test_a_bucket_is_listed_named_by_etag_and_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(folder, "a/b.mp3", "c.FLAC", "d.txt", "._c.flac")
    monkeypatch.setattr(corpus, "open_store", lambda _: Store(str(folder)))
    found = list_corpus("s3://bucket/music")
    assert [(file.key, file.bytes) for file in found.files] == [("a/b.mp3", 7), ("c.FLAC", 6)]
    assert found.ignored == {"flac": 1, "txt": 1}
    contents, cache = identify("s3://bucket/music", found.files)
    assert cache is None
    assert contents == {file.key: f"etag:{file.stamp}:{file.bytes}" for file in found.files}
    with open_audio("s3://bucket/music", "a/b.mp3") as file:
        assert content_hash(file) == hashlib.sha256(b"a/b.mp3").hexdigest()
    with pytest.raises(RowError) as caught:
        open_audio("s3://bucket/music", "gone.mp3")
    assert caught.value.reason == "unreadable"
