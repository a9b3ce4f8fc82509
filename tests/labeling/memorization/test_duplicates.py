"""Copies of training clips are found and other music is not; the index of a run is made once, and again where it is damaged."""

from pathlib import Path

import numpy as np
import pytest

from noise2music.core.audio.resample import resample
from noise2music.core.errors import UserError
from noise2music.core.storage import open_store
from noise2music.flows.label import label
from noise2music.labeling.datasets.arrow import unit_vectors
from noise2music.labeling.memorization.landmarks import RATE, Landmarks, find_landmarks
from noise2music.labeling.memorization.open_training_set import open_training_set, training_set_digest
from noise2music.labeling.memorization.table import LEAST_LANDMARKS, LandmarkTable
from noise2music.labeling.memorization.training_set import TrainingSet
from noise2music.labeling.retrieval.cosine import normalise
from noise2music.synth.render import render_piece
from tests.flows.music import small_settings, tone, write_music

PIECES = 8


@pytest.fixture(scope="module")
def pieces() -> list[np.ndarray]:
    return [render_piece(3, index, 14.0).audio for index in range(PIECES)]


@pytest.fixture(scope="module")
def known(pieces: list[np.ndarray]) -> TrainingSet:
    vectors = normalise(np.random.default_rng(0).standard_normal((PIECES, 16)))
    return TrainingSet(
        "digest", "scorer", [f"clip {index}" for index in range(PIECES)], vectors, [find_landmarks(p, 24000) for p in pieces]
    )


@pytest.fixture
def stranger() -> np.ndarray:
    """An embedding that is near none."""
    return normalise(np.random.default_rng(1).standard_normal((1, 16)))[0]


@pytest.mark.parametrize("rate", [24000, 16000])
@pytest.mark.parametrize("noise", [0.0, 0.1])
def test_ten_seconds_from_anywhere_are_flagged(
    known: TrainingSet, pieces: list[np.ndarray], stranger: np.ndarray, rate: int, noise: float
) -> None:
    rng = np.random.default_rng(2)
    for index, piece in enumerate(pieces):
        start = int(rng.integers(0, 4 * 24000))
        part = piece[start : start + 240000]
        part = part + noise * part.std() * rng.standard_normal(len(part)).astype(np.float32)
        found = known.find_duplicates(resample(part, 24000, rate), rate, stranger)
        assert (found.matching, found.flagged) == (f"clip {index}", True)


def test_other_pieces_silence_and_noise_are_not_flagged(known: TrainingSet, stranger: np.ndarray) -> None:
    noise = 0.1 * np.random.default_rng(3).standard_normal(240000).astype(np.float32)
    others = [render_piece(4, index, 14.0).audio for index in range(PIECES)]
    for audio in (*others, noise, np.zeros(240000, np.float32), np.zeros(10, np.float32), np.ones(240000, np.float32)):
        assert not known.find_duplicates(audio, 24000, stranger).flagged
    assert known.find_duplicates(np.zeros(240000, np.float32), 24000, stranger).matching is None


def test_the_nearest_embedding_is_named_and_flagged_when_it_is_the_same(known: TrainingSet) -> None:
    vector = normalise(np.random.default_rng(0).standard_normal((PIECES, 16)))[5]
    found = known.find_duplicates(np.zeros(24000, np.float32), 24000, vector)
    assert (found.nearest, found.cosine, found.flagged) == ("clip 5", 1.0, True)
    assert found == known.find_duplicates(np.zeros(24000, np.float32), 24000, vector)


def test_loudness_changes_no_landmark(pieces: list[np.ndarray]) -> None:
    loud, quiet = find_landmarks(pieces[0], 24000), find_landmarks(pieces[0] / 8, 24000)
    assert len(loud.times) > 100
    np.testing.assert_array_equal(loud.times, quiet.times)
    np.testing.assert_array_equal(loud.hashes, quiet.hashes)


def test_a_copy_inside_a_longer_clip_counts_as_much_as_alone(known: TrainingSet, pieces: list[np.ndarray], stranger: np.ndarray) -> None:
    other = render_piece(4, 0, 14.0).audio
    inside = np.concatenate([other[: 10 * 24000], pieces[2], other[: 10 * 24000]])
    found = known.find_duplicates(inside, 24000, stranger)
    assert (found.matching, found.flagged) == ("clip 2", True)


@pytest.mark.parametrize("number", range(4))
def test_the_share_is_what_counting_every_alignment_gives(number: int) -> None:
    """Two fifths of a stretch of one clip, each up to a frame off, among as much that belongs to none."""
    rng = np.random.default_rng(number)
    clips = [_made_up(rng, 300, 400) for _ in range(4)]
    part = clips[number].between(100, 300)
    kept = rng.random(len(part.times)) < 0.4
    foreign = _made_up(rng, 60, 200)
    times = np.concatenate([part.times[kept] + rng.integers(-1, 2, kept.sum()), foreign.times]).clip(0, 199)
    query = _sorted(times, np.concatenate([part.hashes[kept], foreign.hashes]))
    found = LandmarkTable(clips).look_up(query, 200 * 128 / RATE)
    assert found.clip == number
    assert found.share == pytest.approx(max(_share(query, clips[number], offset, 200) for offset in range(98, 103)), abs=1e-12)
    assert 0.3 < found.share < 0.6


def test_a_clip_repeats_itself_wholly_wherever_the_query_starts() -> None:
    clip = _made_up(np.random.default_rng(1), 600, 400)
    table = LandmarkTable([_made_up(np.random.default_rng(2), 600, 400), clip])
    for start in (0, 57, 180):
        found = table.look_up(clip.between(start, start + 200), 200 * 128 / RATE)
        assert found.clip == 1
        assert found.share > 0.98  # the slack of a frame at the edges


def test_a_table_without_landmarks_finds_nothing() -> None:
    empty = Landmarks(np.zeros(0, np.int32), np.zeros(0, np.int32))
    table = LandmarkTable([empty, empty])
    assert table.look_up(empty, 10.0).clip == -1
    assert table.look_up(_made_up(np.random.default_rng(0), 100, 100), 10.0).clip == -1


def _made_up(rng: np.random.Generator, count: int, frames: int) -> Landmarks:
    return _sorted(rng.integers(0, frames, count), rng.integers(0, 2000, count))


def _sorted(times: np.ndarray, hashes: np.ndarray) -> Landmarks:
    rows = np.unique(np.stack([times, hashes], 1), axis=0).astype(np.int32)
    return Landmarks(rows[:, 0], rows[:, 1])


def _share(query: Landmarks, clip: Landmarks, offset: int, frames: int) -> float:
    asked = set(zip(query.times.tolist(), query.hashes.tolist(), strict=True))
    covered = [(t, h) for t, h in zip(clip.times.tolist(), clip.hashes.tolist(), strict=True) if offset - 1 <= t < offset + frames + 1]
    common = sum(any((t - offset + slack, h) in asked for slack in (-1, 0, 1)) for t, h in covered)
    return common / max(LEAST_LANDMARKS, len(covered))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("labelled")
    write_music(folder / "music", tracks=6)
    label(small_settings(folder))
    return folder / "root"


def test_the_index_of_a_run_is_made_once_and_found_again(root: Path, tmp_path: Path) -> None:
    first = open_training_set(str(root), tmp_path / "cache")
    stamps = {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()}
    again = open_training_set(str(root), tmp_path / "cache")
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "cache").iterdir()} == stamps != {}
    assert first.digest == again.digest == training_set_digest(str(root))
    embed = next(root.glob("embed/*"))
    table = open_store(str(root)).get(f"embed/{embed.name}/_MANIFEST.json")
    assert first.scorer in table.decode()

    cached = next(iter(stamps))
    whole = cached.read_bytes()
    cached.write_bytes(whole[:200] + b"!" + whole[201:])
    assert len(open_training_set(str(root), tmp_path / "cache")) == len(first)
    assert cached.read_bytes() == whole


def test_a_training_clip_of_a_run_is_its_own_neighbour(root: Path, tmp_path: Path) -> None:
    known = open_training_set(str(root), tmp_path / "cache")
    rows = label(small_settings(root.parent)).datasets.embed.read().slice(0, 1)
    vector = unit_vectors(rows.column("embedding"))[0]
    found = known.find_duplicates(tone(3.0, 0), 22050, vector)
    assert found.nearest == rows.column("clip_id")[0].as_py()
    assert found.cosine == pytest.approx(1.0, abs=1e-6)
    assert found.flagged


def test_what_cannot_be_compared_with_is_said(root: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds no finished run"):
        open_training_set(str(tmp_path), tmp_path / "cache")
    with pytest.raises(UserError, match="no clip of the split 'nowhere'"):
        open_training_set(str(root), tmp_path / "cache", split="nowhere")
    shard = next(root.glob("shard/*/*.parquet"))
    data = shard.read_bytes()
    try:
        shard.write_bytes(data[:-1] + b"!")
        with pytest.raises(UserError, match="is damaged"):
            open_training_set(str(root), tmp_path / "other")
        shard.unlink()
        with pytest.raises(UserError, match="is missing"):
            open_training_set(str(root), tmp_path / "other")
    finally:
        shard.write_bytes(data)
