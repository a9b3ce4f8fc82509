"""Which clip belongs to which key: by path, by name, by a table; what is missing or too much is named."""

from pathlib import Path

import pytest

from noise2music.core.errors import RowError, UserError
from noise2music.evaluation.pairing import pair
from noise2music.evaluation.sources import Source, open_source, split_label
from tests.evaluation.sounds import write_clips, write_prompts


def source(label: str, *paths: str, **more: object) -> Source:
    return Source(label, f"/{label}", "folder", {path.rsplit(".", 1)[0]: path for path in paths}, **more)  # type: ignore[arg-type]


def test_keys_are_paths_or_names() -> None:
    found = pair([source("a", "x.wav", "y.wav"), source("b", "deep/x.wav", "z.mp3")], source("reference", "1/y.wav", "1/q.wav"), None)
    assert [dict(item.keys) for item in found.systems] == [{"x": "x", "y": "y"}, {"deep/x": "deep/x", "z": "z", "x": "deep/x"}]
    assert found.reference is not None
    assert dict(found.reference.keys) == {"1/q": "1/q", "y": "1/y"}


def test_prompts_say_which_keys(tmp_path: Path) -> None:
    prompts = str(write_prompts(tmp_path / "p.csv", 3))
    lost = {"k02": RowError("not_made", "silent: the clip is silent")}
    found = pair([source("a", "k00.wav", "k01.wav", "other.wav", lost=lost)], source("reference", "k01.wav"), prompts)
    (system,) = found.systems
    assert dict(system.keys) == {"k00": "k00", "k01": "k01"}
    assert dict(system.missing) == {"k02": "not_made: silent: the clip is silent"}
    assert system.extra == ("other",)
    assert found.prompts["k01"] == "a middle tone"
    assert found.said == (
        "a: 1 clips that no key asks for are left out (other)",
        "a: 1 of 3 clips are missing (k02)",
        "reference: no clip for 2 of 3 keys (k00, k02)",
    )


def test_a_table_says_which_files(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text("key,a,reference\none,x1.wav,r1\ntwo,x2.wav,r2.wav\nthree,gone.wav,r1\n")
    found = pair([source("a", "x1.wav", "x2.wav")], source("reference", "r1.wav", "r2.wav"), None, str(tmp_path / "pairs.csv"))
    assert dict(found.systems[0].keys) == {"one": "x1", "two": "x2"}
    assert dict(found.systems[0].missing) == {"three": "no file gone.wav"}
    assert found.reference is not None
    assert dict(found.reference.keys) == {"one": "r1", "two": "r2", "three": "r1"}
    (tmp_path / "pairs.csv").write_text("key,a\none,x1.wav\none,x2.wav\n")
    with pytest.raises(UserError, match="the key 'one' stands twice"):
        pair([source("a", "x1.wav")], None, None, str(tmp_path / "pairs.csv"))


def test_keys_that_do_not_match(tmp_path: Path) -> None:
    prompts = str(write_prompts(tmp_path / "p.csv", 3))
    with pytest.raises(UserError, match=r"no clip of /a has a key that is asked for: it holds x, y, and asked for are k00, k01, k02"):
        pair([source("a", "x.wav", "y.wav")], None, prompts)
    found = pair([source("a", "x.wav")], source("reference", "q.wav"), None)
    assert found.said == ("reference: none of its keys (q) is asked for: compared as a set, not pair by pair",)


def test_a_limit_of_the_reference_is_said() -> None:
    found = pair([source("a", "x.wav")], source("reference", *(f"{place}.wav" for place in range(20))), None, None, 5)
    assert found.reference is not None
    assert len(found.reference.keys) == 5
    assert "5 of 20 clips, chosen by the hash" in found.said[0]


def test_labels() -> None:
    assert split_label("runs/clips/") == ("clips", "runs/clips/")
    assert split_label("ours=runs/clips") == ("ours", "runs/clips")
    assert split_label("runs/a=b/clips") == ("clips", "runs/a=b/clips")
    assert split_label("x=s3://bucket/clips") == ("x", "s3://bucket/clips")
    with pytest.raises(UserError, match="names no clips"):
        split_label("ours=")


def test_folders(tmp_path: Path) -> None:
    write_clips(tmp_path / "a", 2)
    (tmp_path / "a" / "notes.txt").write_text("hello")
    (tmp_path / "a" / "k01.flac").write_bytes(b"")
    found = open_source("a", str(tmp_path / "a"))
    assert dict(found.files) == {"k00": "k00.wav"}
    assert found.lost["k01"].reason == "same_key"
    assert dict(found.other) == {"txt": 1}
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"no audio in .*empty: it holds nothing"):
        open_source("a", str(tmp_path / "empty"))
    with pytest.raises(UserError, match="there is no folder"):
        open_source("a", str(tmp_path / "none"))
