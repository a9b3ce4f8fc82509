"""Opening shards: by root or folder, by split, and everything that can be wrong with them."""

import json
from pathlib import Path

import pytest

from noise2music.core.errors import UserError
from noise2music.core.storage import local_path
from noise2music.labeling.datasets.dataset import LATEST, Dataset
from noise2music.labeling.datasets.join import join
from noise2music.labeling.datasets.manifest import MANIFEST_NAME
from noise2music.models.data import shards as module
from noise2music.models.data.loader import Loader
from noise2music.models.data.shards import Shards, open_shards
from tests.models.data.made_up_shards import RATE, uri_of, write_shards


def folder(dataset: Dataset) -> Path:
    return local_path(uri_of(dataset))


def test_root_and_folder_are_the_same(tmp_path: Path) -> None:
    dataset = write_shards(tmp_path)
    (tmp_path / LATEST).write_text(json.dumps({"shard": dataset.path}))
    by_root, by_folder = open_shards(str(tmp_path), "train", RATE), open_shards(uri_of(dataset) + "/", "train", RATE)
    assert by_root.digest == by_folder.digest == dataset.digest
    assert by_root.clips == by_folder.clips == 20
    assert open_shards(str(tmp_path), "test", RATE).clips == 4
    assert by_root.licences == ("CC0 1.0", "unknown")
    assert by_root.vocabularies == ("llm_long", "rater_short")


def test_every_row_of_the_split_is_found_once(tmp_path: Path) -> None:
    shards = open_shards(uri_of(write_shards(tmp_path)), "train", RATE)
    tables = [shards.read_group(number) for number in range(len(shards.row_groups))]
    found = []
    for row in range(shards.clips):
        group, inside = shards.locate(row)
        found.append(tables[group].column("clip_id")[inside].as_py())
    expected = shards.dataset.read(["clip_id", "split"]).to_pylist()
    assert sorted(found) == sorted(row["clip_id"] for row in expected if row["split"] == "train")


def test_a_changed_shard_is_named(tmp_path: Path) -> None:
    dataset = write_shards(tmp_path, inline=True)
    path = next(folder(dataset).glob("part-00001*.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"part-00001-of-00002\.parquet has another content"):
        open_shards(uri_of(dataset), "train", RATE)


def test_a_changed_file_of_audio_is_named_at_once_or_before_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = write_shards(tmp_path)
    path = tmp_path / dataset.manifest.shared[0].path
    whole = path.read_bytes()
    path.write_bytes(whole[:999] + bytes([whole[999] ^ 1]) + whole[1000:])
    with pytest.raises(UserError, match=rf"{path.name} has another content"):
        open_shards(uri_of(dataset), "train", RATE)
    monkeypatch.setattr(module, "EAGER_BYTES", 0)
    shards = open_shards(uri_of(dataset), "train", RATE)
    with pytest.raises(UserError, match=rf"{path.name} has another content"):
        _ = [shards.read_group(number) for number in range(len(shards.row_groups))]
    path.unlink()
    with pytest.raises(UserError, match=rf"{path.name} is missing"):
        _ = [shards.read_group(number) for number in range(len(shards.row_groups))]


def test_shards_that_refer_to_audio_hold_it_and_joined_ones_give_the_same_clips(tmp_path: Path) -> None:
    new, old = write_shards(tmp_path / "new"), write_shards(tmp_path / "old", inline=True)
    (tmp_path / "new" / LATEST).write_text(json.dumps({"shard": new.path}))
    join(str(tmp_path / "new"), str(tmp_path / "joined"), target_mb=0.2)
    for split in ("train", "test"):
        clips = []
        for uri in (uri_of(new), uri_of(old), str(tmp_path / "joined")):
            with Loader(open_shards(uri, split, RATE), 0, 12_000, 4) as loader:
                clips.append({clip.clip_id: clip for clip in map(loader.clip, range(loader._shards.clips))})
        assert clips[0].keys() == clips[1].keys() == clips[2].keys()
    rows = [
        {
            row["clip_id"]: row["audio"]["bytes"]
            for g in range(len(s.row_groups))
            for row in s.read_group(g).to_pylist()
            if row["audio"]["bytes"]
        }
        for s in (open_shards(uri, "train", RATE) for uri in (uri_of(new), uri_of(old), str(tmp_path / "joined")))
    ]
    assert rows[0].items() <= rows[1].items()
    assert rows[1] == rows[2]
    assert len(rows[0]) == 20


def test_large_shards_are_checked_before_they_are_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = write_shards(tmp_path, inline=True)
    monkeypatch.setattr(module, "EAGER_BYTES", 0)
    shards = open_shards(uri_of(dataset), "train", RATE)
    path = next(folder(dataset).glob("part-00000*.parquet"))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"part-00000-of-00002\.parquet has another content"):
        shards.read_group(0)


def test_a_missing_shard_is_named(tmp_path: Path) -> None:
    dataset = write_shards(tmp_path)
    next(folder(dataset).glob("part-00001*.parquet")).unlink()
    with pytest.raises(UserError, match=r"part-00001-of-00002\.parquet is missing"):
        open_shards(uri_of(dataset), "train", RATE)


def test_files_that_no_manifest_lists_are_not_read(tmp_path: Path) -> None:
    dataset = write_shards(tmp_path)
    (folder(dataset) / "part-00002-of-00002.parquet").write_bytes(b"left by somebody")
    assert open_shards(uri_of(dataset), "train", RATE).clips == 20


def test_no_manifest_no_folder_no_split_no_rate(tmp_path: Path) -> None:
    dataset = write_shards(tmp_path / "a")
    with pytest.raises(UserError, match=r"has no clip of the split 'valid': its splits are 'test', 'train'\. Set data\.split"):
        open_shards(uri_of(dataset), "valid", RATE)
    with pytest.raises(UserError, match=r"there is no folder .*nothing"):
        open_shards(str(tmp_path / "nothing"), "train", RATE)
    (folder(dataset) / MANIFEST_NAME).unlink()
    with pytest.raises(UserError, match=r"it is no labeling run that has finished"):
        open_shards(uri_of(dataset), "train", RATE)
    low = write_shards(tmp_path / "low", rate=16_000)
    with pytest.raises(UserError, match=r"holds audio of 16000 Hz; the cascade trains on 24000 Hz\. Set \[shards\] sample_rate = 24000"):
        open_shards(uri_of(low), "train", RATE)


def test_an_edited_manifest_is_refused(tmp_path: Path) -> None:
    dataset = write_shards(tmp_path)
    path = folder(dataset) / MANIFEST_NAME
    path.write_text(path.read_text().replace('"rows": 12', '"rows": 13'))
    with pytest.raises(UserError, match=r"was changed after it was written"):
        open_shards(uri_of(dataset), "train", RATE)


def test_shards_of_a_store_are_fetched_once_and_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder stands for the object store: what is remote is fetched into the cache under its hash."""
    dataset = write_shards(tmp_path / "root")
    monkeypatch.setattr(module, "is_remote", lambda uri: "cache" not in uri)
    cache = tmp_path / "cache"
    shards = Shards(dataset, "train", RATE, cache)
    tables = [shards.read_group(number) for number in range(len(shards.row_groups))]
    names = {path.name for path in cache.iterdir()}
    assert names == {f"{file.sha256}.parquet" for part in dataset.manifest.parts for file in (*part.files, *part.shared)}
    for path in (tmp_path / "root").rglob("*.parquet"):
        path.write_bytes(b"gone")
    monkeypatch.setattr(Shards, "_describing", lambda *_: iter(()))
    again = Shards(dataset, "train", RATE, cache)
    again.row_groups = shards.row_groups
    assert again.read_group(0) == tables[0]
    with pytest.raises(UserError, match=r"has another content"):
        Shards._fetch(Shards(dataset, "train", RATE, tmp_path / "cache2"), shards._files[0])
    assert list((tmp_path / "cache2").iterdir()) == []
