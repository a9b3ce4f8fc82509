"""A folder of everything that goes wrong, through the whole flow: each row dies alone with its reason, the rest is labelled."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.flows.inspect import verify_root
from noise2music.flows.label import label
from tests.flows.music import RATE, parquet_tree, small_settings, tone, write_music

GOOD = ["good.wav", "eight channels.wav", "fast.wav", "a 'b' \"c\".wav", "two\nlines.wav", "größe-音楽.flac", "%2e%2e#1.wav"]


def write_bad_music(folder: Path, outside: Path) -> None:
    folder.mkdir()
    sound = tone(2.0, 1)
    for number, name in enumerate(GOOD[3:]):
        soundfile.write(folder / name, tone(2.0, 10 + number), RATE, format=Path(name).suffix[1:].upper())
    soundfile.write(folder / "good.wav", sound, RATE)
    soundfile.write(folder / "eight channels.wav", np.stack([tone(2.0, n) for n in range(8)], 1), RATE)
    soundfile.write(folder / "fast.wav", tone(2.0, 4, 192000), 192000)
    (folder / "empty.mp3").write_bytes(b"")
    (folder / "text.mp3").write_text("This is not music. " * 200)
    Image.new("RGB", (64, 64)).save(folder / "picture.png")
    shutil.move(folder / "picture.png", folder / "picture.mp3")
    soundfile.write(folder / "long.mp3", tone(20.0, 2), RATE)
    whole = (folder / "long.mp3").read_bytes()
    (folder / "truncated.mp3").write_bytes(whole[: len(whole) // 3])
    (folder / "long.mp3").unlink()
    soundfile.write(folder / "silence.wav", sound * 0, RATE)
    broken = sound.copy()
    broken[1000], broken[2000] = np.nan, np.inf
    soundfile.write(folder / "nan.wav", broken, RATE, subtype="FLOAT")
    soundfile.write(folder / "one sample.wav", sound[:1], RATE)
    shutil.copy(folder / "good.wav", folder / "the same again.wav")
    soundfile.write(outside, sound, RATE)
    (folder / "link.wav").symlink_to(outside)
    (folder / "folder.wav").mkdir()


def test_every_bad_file_dies_alone_with_its_reason(tmp_path: Path) -> None:
    write_bad_music(tmp_path / "music", tmp_path / "outside.wav")
    settings = small_settings(tmp_path, corpus__metadata="none", max_dead=1.0)
    settings = settings.model_copy(update={"corpus": settings.corpus.model_copy(update={"metadata": None})})
    datasets = label(settings).datasets
    dead = {row["key"].split(" @ ")[0]: row["reason"] for dataset in datasets.all() for row in dataset.dead().to_pylist()}
    tracks = {row["key"]: row for row in datasets.ingest.read().to_pylist()}  # type: ignore[union-attr]
    assert dead.pop("empty.mp3") == "empty_file"
    assert dead.pop("text.mp3") == "not_audio"
    assert dead.pop("picture.mp3") == "not_audio"
    assert dead.pop("silence.wav") == "silent"
    assert dead.pop("nan.wav") == "not_finite"
    assert dead.pop("link.wav") == "link_out_of_corpus"
    assert dead.pop("folder.wav", "not_a_file") == "not_a_file"
    assert tracks["one sample.wav"]["excluded"] == "too_short"
    assert tracks["the same again.wav"]["duplicate_of"] == tracks["good.wav"]["track_id"]
    labelled = {row["track_key"] for row in datasets.shard.read(["track_key"]).to_pylist()}  # type: ignore[union-attr]
    assert set(GOOD) <= labelled
    dead.pop("truncated.mp3", None)
    assert dead == {}
    assert labelled <= {*GOOD, "truncated.mp3"}


def test_too_many_dead_rows_stop_the_run_and_raising_the_limit_goes_on(tmp_path: Path) -> None:
    write_music(tmp_path / "music")
    (tmp_path / "music" / "text.mp3").write_text("not music")
    with pytest.raises(UserError, match=r"probe: 1 of 9 rows are dead .* more than max_dead = 5.0%\. Commonest reasons: not_audio: 1"):
        label(small_settings(tmp_path))
    assert len(label(small_settings(tmp_path, max_dead=0.2)).built) == 15


def test_a_model_folder_without_weights_and_a_vocabulary_without_a_file(tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=2)
    (tmp_path / "model").mkdir()
    with pytest.raises(UserError, match="model"):
        label(small_settings(tmp_path, scorer__model=str(tmp_path / "model")))
    with pytest.raises(UserError, match="nothing.txt"):
        label(small_settings(tmp_path, vocabulary__words__source=str(tmp_path / "nothing.txt")))


def test_evaluation_captions_do_not_reach_training_labels(tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=2)
    caption = "A slow piano piece with soft strings that would suit a quiet evening at home."
    table = "caption,aspect_list,is_audioset_eval\n" + f'"{caption}","[\'piano\']",True\n"A loud drum loop.","[\'drums\']",False\n'
    (tmp_path / "musiccaps.csv").write_text(table)
    more = {"kind": "musiccaps-sentences", "source": str(tmp_path / "musiccaps.csv"), "allow_unlabelled": True}
    assert label(small_settings(tmp_path, vocabulary__long=more)).datasets.vocabularies["long"].sample.manifest.stats["labels"] == 0
    with pytest.raises(UserError, match="A slow piano piece"):
        label(small_settings(tmp_path, vocabulary__long=more | {"allowed_splits": ["train"]}))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", str(disk)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("a small file system cannot be mounted here (needs root)")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_stops_with_one_message_and_more_room_completes(tmp_path: Path, small_disk: Path) -> None:
    write_music(tmp_path / "music")
    settings = small_settings(tmp_path).model_copy(update={"root": str(small_disk / "root")})
    with pytest.raises(UserError, match="cannot write .*run the same command again"):
        label(settings)
    assert verify_root(open_store(str(small_disk / "root")))[1] == []
    subprocess.run(["mount", "-o", "remount,size=50m", str(small_disk)], check=True)
    label(settings)
    label(small_settings(tmp_path))
    assert parquet_tree(small_disk / "root") == parquet_tree(tmp_path / "root")


def test_a_root_that_cannot_be_written(tmp_path: Path) -> None:
    write_music(tmp_path / "music", tracks=2)
    (tmp_path / "root").write_text("a file")
    with pytest.raises(UserError, match="cannot open"):
        label(small_settings(tmp_path))
    assert os.path.isfile(tmp_path / "root")
