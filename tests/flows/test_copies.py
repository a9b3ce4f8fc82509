"""Recordings that are there more than once, through the stages from inventory to ingest, and what the report says of them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from noise2music.core.storage import open_store
from noise2music.flows.datasets import read_latest, write_latest
from noise2music.flows.inspect import verify_root
from noise2music.flows.label import run_stages
from noise2music.flows.pages.label.dead import excluded_tracks
from noise2music.labeling.datasets.dataset import Dataset, latest_paths
from noise2music.labeling.stages import copies as stage
from noise2music.labeling.stages.order import LABELING_STAGES
from noise2music.pipelines.session import Session
from noise2music.synth.render import render_piece
from tests.core.audio.audio_files import encode
from tests.flows.made_up_datasets import finished_run
from tests.flows.music import parquet_tree, small_settings, write_music, write_table
from tests.labeling.memorization.test_find_copies import tagged

RATE = 24000
SPLITS = {"f.flac": "train", "f again.mp3": "test"}


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two files of one mp3 with other tags, one recording as flac and wav, a re-encoded excerpt in another split, a copy that is opted
    out, and two of nothing.
    """
    folder = tmp_path_factory.mktemp("copies")
    mp3, pcm, train, out, other = (render_piece(3, index, 12.0, RATE).audio for index in (0, 1, 2, 4, 8))
    files = {
        "a.mp3": tagged(encode(mp3, RATE, "MP3"), "one"),
        "b.mp3": tagged(encode(mp3, RATE, "MP3"), "another title"),
        "c.flac": encode(pcm, RATE, "FLAC", "PCM_16"),
        "d.wav": encode(pcm, RATE, "WAV", "PCM_16"),
        "f.flac": encode(train, RATE, "FLAC"),
        "f again.mp3": encode(train[RATE:] / 2, RATE, "MP3"),
        "out.flac": encode(out, RATE, "FLAC"),
        "renamed.ogg": encode(out, RATE, "OGG"),
        "other.wav": encode(other, RATE),
        "second.wav": encode(np.full(RATE, 0.1, np.float32), RATE),
    }
    (folder / "music").mkdir()
    for name, data in files.items():
        (folder / "music" / name).write_bytes(data)
    write_table(folder / "manifest.csv", [{"file": name, "split": SPLITS.get(name, "train")} for name in files])
    (folder / "out.txt").write_text("out.flac\n")
    return folder


STAGES = LABELING_STAGES[:5]
"""inventory, probe, fingerprint, copies, ingest."""


def tracks(folder: Path, root: str, **changes: Any) -> tuple[Dataset, dict[str, tuple[str | None, str | None]]]:
    """The dataset ingest, and by key why a track is left out and because of which other."""
    columns = {"key": "file", "split": "split"}
    session = Session(small_settings(folder, root, corpus__columns=columns, corpus__opt_out=str(folder / "out.txt"), **changes))
    run_stages(session, STAGES, ())
    dataset = session.dataset("ingest")
    rows = dataset.read(["track_id", "key", "excluded", "duplicate_of"]).to_pylist()
    keys = {row["track_id"]: row["key"] for row in rows}
    return dataset, {row["key"]: (row["excluded"], keys.get(row["duplicate_of"])) for row in rows if row["excluded"]}


def test_what_is_there_twice_is_used_once_and_never_on_both_sides(music: Path) -> None:
    dataset, excluded = tracks(music, "root")
    assert excluded == {
        "b.mp3": ("audio_copy", "a.mp3"),
        "d.wav": ("audio_copy", "c.flac"),
        "f.flac": ("leak", "f again.mp3"),
        "out.flac": ("opted_out", None),
        "renamed.ogg": ("opted_out", "out.flac"),
    }
    assert dataset.manifest.excluded == {"audio_copy": 2, "opted_out": 2, "leak": 1}
    shown = {track.key: track.detail for track in excluded_tracks(dataset)[0]}
    assert shown["b.mp3"] == "a.mp3"
    assert shown["f.flac"] == "f again.mp3"
    assert verify_root(open_store(str(music / "root")))[1] == []
    assert not [path for path in (music / "root" / "cache" / "copies").rglob("*") if path.is_file()]


def test_parts_workers_and_buckets_give_the_same_groups(music: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    excluded = tracks(music, "root")[1]
    monkeypatch.setattr(stage, "A_BUCKET", 100)
    assert tracks(music, "seven", parts=7)[1] == excluded
    tracks(music, "two", run__workers=2)
    one, two = parquet_tree(music / "root"), parquet_tree(music / "two")
    assert one == two


def test_how_much_is_looked_for_can_be_said(music: Path) -> None:
    assert tracks(music, "bytes", corpus__copies="bytes")[1] == {"out.flac": ("opted_out", None)}
    assert "fingerprint" not in open_store(str(music / "bytes")).folders()
    by_audio = {"b.mp3": ("audio_copy", "a.mp3"), "d.wav": ("audio_copy", "c.flac"), "out.flac": ("opted_out", None)}
    assert tracks(music, "audio", corpus__copies="audio")[1] == by_audio
    assert tracks(music, "root", corpus__near_copies="keep")[1] == by_audio | {"renamed.ogg": ("opted_out", "out.flac")}


def prints(folder: Path) -> Dataset:
    """The dataset fingerprint of `folder`/music."""
    session = Session(small_settings(folder))
    run_stages(session, STAGES[:3], ())
    return session.dataset("fingerprint")


def test_new_files_alone_are_decoded(tmp_path: Path) -> None:
    write_music(tmp_path / "music", 4)
    assert prints(tmp_path).manifest.stats["carried"] == 0
    soundfile.write(tmp_path / "music" / "new.wav", render_piece(3, 0, 4.0, RATE).audio, RATE)
    again = prints(tmp_path)
    assert again.manifest.stats["carried"] == 4
    assert again.manifest.rows == 5


def test_a_file_that_cannot_be_decoded_is_said_and_not_lost_here(tmp_path: Path) -> None:
    write_music(tmp_path / "music", 1)
    (tmp_path / "music" / "nan.wav").write_bytes(encode(np.full(RATE, np.nan, np.float32), RATE, "WAV", "FLOAT"))
    found = prints(tmp_path)
    assert found.manifest.warnings == {"no_fingerprint": 1}
    assert (found.manifest.rows, found.manifest.dead_rows) == (2, 0)


def test_a_root_of_a_run_that_knew_no_such_stages_is_read(tmp_path: Path) -> None:
    datasets = finished_run(tmp_path)
    write_latest(datasets.embed.store, datasets, datasets.embed, {})
    assert "copies" not in latest_paths(datasets.embed.store)
    assert read_latest(datasets.embed.store)[0].copies is None
    found = replace(datasets, fingerprint=datasets.probe, copies=datasets.ingest)
    write_latest(datasets.embed.store, found, datasets.embed, {})
    assert read_latest(datasets.embed.store)[0].all() == found.all()
