"""Corpora on disk: complete, readable, resumable."""

import csv
import io

import numpy as np
import pytest
import soundfile

from noise2music.core.errors import UserError
from noise2music.synth import corpus
from noise2music.synth.corpus import COLUMNS, write_corpus
from noise2music.synth.render import render_piece


def written(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_files_hold_the_pieces_and_the_table_the_truth(tmp_path):
    calls = []
    manifest = write_corpus(tmp_path / "new" / "music", 6, 4, 2.0, lambda: calls.append(None))
    assert manifest == tmp_path / "new" / "music" / "manifest.csv"
    assert len(calls) == 6
    rows = list(csv.DictReader(io.StringIO(manifest.read_text())))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 6
    for index, row in enumerate(rows):
        audio, rate = soundfile.read(manifest.parent / row["file"], dtype="int16")
        info = soundfile.info(manifest.parent / row["file"])
        piece = render_piece(4, index, 2.0)
        assert (rate, info.format, info.subtype, info.channels) == (24000, "FLAC", "PCM_16", 1)
        assert (audio == piece.audio * 32768).all()
        assert row["title"] == piece.title
        assert row["instruments"].split(", ") == list(piece.truth.instruments)
        assert row["mood"].split(", ") == list(piece.truth.moods)
        assert (row["genre"], row["bpm"], row["key"]) == (piece.truth.genre, str(piece.truth.bpm), piece.truth.key)
        assert (row["mode"], row["register"]) == (piece.truth.mode, piece.truth.register)
        assert row["drums"] == ("yes" if piece.truth.drums else "no")
        assert row["licence"] == "CC0 1.0"
        assert row["split"] in ("train", "test")
        assert row["file"].replace("-", "").replace(".", "").isalnum()


def test_a_rerun_writes_only_what_is_missing(tmp_path, monkeypatch):
    write_corpus(tmp_path, 4, 0, 1.0)
    before = written(tmp_path)
    lost = sorted(name for name in before if name.endswith(".flac"))[2]
    (tmp_path / lost).unlink()
    (tmp_path / "manifest.csv").unlink()
    made = []
    monkeypatch.setattr(corpus, "flac", lambda composition, make=corpus.flac: made.append(composition.index) or make(composition))
    write_corpus(tmp_path, 4, 0, 1.0)
    assert made == [2]
    assert written(tmp_path) == before


def test_an_interrupted_run_leaves_whole_files_and_no_table(tmp_path, monkeypatch):
    def stop(composition, make=corpus.flac):
        if composition.index == 2:
            raise KeyboardInterrupt
        return make(composition)

    with monkeypatch.context() as patch:
        patch.setattr(corpus, "flac", stop)
        with pytest.raises(KeyboardInterrupt):
            write_corpus(tmp_path, 4, 0, 1.0)
    half = written(tmp_path)
    assert len(half) == 2
    write_corpus(tmp_path, 4, 0, 1.0)
    assert half.items() <= written(tmp_path).items()


def test_more_pieces_keep_those_that_are_there(tmp_path):
    write_corpus(tmp_path, 2, 0, 1.0)
    before = written(tmp_path)
    write_corpus(tmp_path, 3, 0, 1.0)
    after = written(tmp_path)
    assert all(after[name] == audio for name, audio in before.items() if name.endswith(".flac"))
    assert len(after) == 4


def test_other_seeds_and_lengths_have_other_names(tmp_path):
    for seed, seconds in ((0, 1.0), (1, 1.0), (0, 1.5)):
        write_corpus(tmp_path, 2, seed, seconds)
    assert len(list(tmp_path.glob("*.flac"))) == 6


def test_a_tenth_is_held_out():
    share = np.mean([corpus.split_of(0, index) == "test" for index in range(2000)])
    assert 0.08 < share < 0.12


def test_no_pieces_is_an_error(tmp_path):
    with pytest.raises(UserError, match="at least one"):
        write_corpus(tmp_path, 0, 0)
    assert not list(tmp_path.iterdir())
