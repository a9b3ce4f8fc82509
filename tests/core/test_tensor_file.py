"""Files of tensors: a round trip, and one clear error for each thing that can be wrong."""

import errno
import os
from pathlib import Path

import pytest
import torch
from pydantic import BaseModel, ConfigDict
from safetensors.torch import save_file

from noise2music.core import tensors as tensor_file
from noise2music.core.errors import UserError
from noise2music.core.tensors import KEY, read_header, read_tensors, write_tensors


class Header(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: int = 1
    name: str


def written(path: Path, name: str = "a") -> Path:
    write_tensors(path, {"x": torch.arange(6.0).reshape(2, 3).T, "y": torch.ones(2, dtype=torch.float16)}, Header(name=name))
    return path


def test_round_trip(tmp_path: Path) -> None:
    path = written(tmp_path / "deep" / "a.safetensors")
    assert read_header(path, Header, 1).name == "a"
    tensors = read_tensors(path)
    assert torch.equal(tensors["x"], torch.arange(6.0).reshape(2, 3).T)
    assert tensors["y"].dtype == torch.float16
    assert [file.name for file in path.parent.iterdir()] == ["a.safetensors"]


def test_same_content_same_bytes(tmp_path: Path) -> None:
    assert written(tmp_path / "a").read_bytes() == written(tmp_path / "b").read_bytes()


def test_cut_short(tmp_path: Path) -> None:
    path = written(tmp_path / "a")
    whole = path.read_bytes()
    for size in (0, 4, 8, 40, len(whole) - 1):
        path.write_bytes(whole[:size])
        with pytest.raises(UserError, match=r"is damaged or was cut short"):
            read_header(path, Header, 1)
        with pytest.raises(UserError, match=r"is damaged or was cut short"):
            read_tensors(path)


class Bomb:
    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.mkdir, ("exploded",)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_pickle_is_not_read(tmp_path: Path, zipped: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "model.pt"
    torch.save({"weights": torch.ones(3), "bomb": Bomb()}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(UserError, match=r"is a pickle"):
        read_header(path, Header, 1)
    with pytest.raises(UserError, match=r"is a pickle"):
        read_tensors(path)
    assert not (tmp_path / "exploded").exists()


def test_newer_format_other_files_and_unknown_fields(tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    write_tensors(newer, {"x": torch.ones(1)}, Header(format=2, name="a"))
    with pytest.raises(UserError, match=r"has format 2, and this version reads up to 1\. Update noise2music"):
        read_header(newer, Header, 1)
    save_file({"x": torch.ones(1)}, tmp_path / "other")
    with pytest.raises(UserError, match=r"was not written by noise2music"):
        read_header(tmp_path / "other", Header, 1)
    save_file({"x": torch.ones(1)}, tmp_path / "strange", {KEY: '{"format": 1, "name": "a", "more": 3}'})
    with pytest.raises(UserError, match=r"header that is not understood: more"):
        read_header(tmp_path / "strange", Header, 1)
    with pytest.raises(UserError, match=r"cannot read .*nothing"):
        read_header(tmp_path / "nothing", Header, 1)


def test_a_full_disk_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path / "a", "old")

    def full(_tensors: object, target: Path, _metadata: object) -> None:
        Path(target).write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(tensor_file, "save_file", full)
    with pytest.raises(UserError, match=r"cannot write .*No space left.*What was saved before is whole"):
        written(path, "new")
    assert read_header(path, Header, 1).name == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
