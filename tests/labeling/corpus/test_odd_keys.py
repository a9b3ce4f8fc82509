from collections.abc import Iterator

import pytest

from noise2music.core.errors import UserError
from noise2music.core.storage import OddKeyError, open_store
from noise2music.labeling.corpus import odd_keys
from noise2music.labeling.corpus.files import list_corpus
from tests.core.listing_server import BUCKET, serve_objects

GOOD = [
    "lead.mp3",
    "set/a.mp3",
    "set/f g.mp3",
    "set/z/é%20#.mp3",
    "set/z/[x] 'q'.flac",
    "set/deep/er/one.wav",
    *[f"set/m/{n}.ogg" for n in range(9)],
]
ODD = ["set//b.mp3", "set/./c.mp3", "set/d/../e.mp3", "//two.mp3", "/lead.mp3", "set//cover.jpg", "set/z//"]
MARKERS = ["set/x/", "set/album.mp3/"]


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with serve_objects({key: key.encode() for key in (*GOOD, *ODD, *MARKERS)}) as address:
        for name, value in {
            "ACCESS_KEY_ID": "testtest",
            "SECRET_ACCESS_KEY": "testtest",
            "ENDPOINT_URL": address,
            "REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        yield


@pytest.mark.usefixtures("served")
def test_a_name_that_is_no_path_costs_itself_alone() -> None:
    found = list_corpus(f"s3://{BUCKET}")
    assert sorted(file.key for file in found.files) == sorted(GOOD)
    assert [key for key, _ in found.refused] == sorted(
        ["set//b.mp3", "set/./c.mp3", "set/d/../e.mp3", "//two.mp3", "/lead.mp3", "set/album.mp3"]
    )
    assert {error.reason for _, error in found.refused} == {"odd_key"}
    assert found.ignored == {"": 2, "jpg": 1}
    for file in found.files:
        assert open_store(f"s3://{BUCKET}").get(file.key) == file.key.encode()


@pytest.mark.usefixtures("served")
def test_the_stamps_are_those_of_a_bucket_without_odd_names() -> None:
    below = {file.key: file for file in list_corpus(f"s3://{BUCKET}/set/m").files}
    around = {file.key: file for file in list_corpus(f"s3://{BUCKET}/set/").files}
    assert {key.removeprefix("m/"): (file.bytes, file.stamp) for key, file in around.items() if key.startswith("m/")} == {
        key: (file.bytes, file.stamp) for key, file in below.items()
    }
    assert open_store(f"s3://{BUCKET}/set").get("a.mp3") == b"set/a.mp3"
    assert "a.mp3" in around


@pytest.mark.usefixtures("served")
def test_a_store_whose_names_cannot_be_read_otherwise_says_which_name_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OddKeyError, match="Rename that object"):
        list(open_store(f"s3://{BUCKET}").entries())
    monkeypatch.setattr(odd_keys, "_file_system", lambda scheme: (_ for _ in ()).throw(ValueError(f"no {scheme} here")))
    with pytest.raises(UserError, match=r"cannot list s3://music: it holds a name that is no path \(.*no s3 here.*give a folder below"):
        list_corpus(f"s3://{BUCKET}")


def test_two_objects_under_one_path_are_one_file(monkeypatch: pytest.MonkeyPatch) -> None:
    """A bucket may hold "/a.mp3" beside "a.mp3", and obstore reads both as "a.mp3"."""
    with serve_objects({"/a.mp3": b"long one", "a.mp3": b"short", "b.mp3": b"b"}) as address:
        for name, value in {
            "ACCESS_KEY_ID": "testtest",
            "SECRET_ACCESS_KEY": "testtest",
            "ENDPOINT_URL": address,
            "REGION": "us-east-1",
        }.items():
            monkeypatch.setenv(f"AWS_{name}", value)
        found = list_corpus(f"s3://{BUCKET}")
    assert [(file.key, file.bytes) for file in found.files] == [("a.mp3", 5), ("b.mp3", 1)]
    assert [(key, error.reason) for key, error in found.refused] == [("/a.mp3", "odd_key")]
