"""embed_clips: the same bytes for any order, number of workers and state of the cache; bad audio is one dead clip with its reason."""

import hashlib
import os
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np
import pytest

from noise2music.core.audio.resample import resample
from noise2music.core.errors import RowError
from noise2music.core.storage import Store, open_store
from noise2music.evaluation.embedders.base import Embedder
from noise2music.evaluation.embedders.clips import ClipEmbedding, DeadClip, Sound, check_audio, content_hash, default_cache, embed_clips
from tests.evaluation.embedders.conftest import network
from tests.evaluation.embedders.sounds import RATE, music


class Levels:
    """A small embedder: mean and level of every 0.1 s. heard: how often it was asked."""

    name = "levels"
    sample_rate = RATE
    dimension = 2
    unit: Literal["frame", "clip"] = "frame"
    min_seconds = 0.1
    identity = hashlib.sha256(b"levels").hexdigest()

    def __init__(self) -> None:
        self.heard = 0
        self._counting = threading.Lock()

    def embed(self, audio: np.ndarray) -> np.ndarray:
        with self._counting:
            self.heard += 1
        pieces = audio[: len(audio) // 1600 * 1600].reshape(-1, 1600).astype(np.float64)
        return np.stack([pieces.mean(1), pieces.std(1)], 1).astype(np.float32)


def sounds(number: int = 6) -> list[Sound]:
    return [Sound(f"clip {index}", clip, RATE) for index, clip in enumerate(music()[:number])]


def run(clips: Sequence[Sound | DeadClip], embedder: Embedder, cache: Store | None, workers: int = 1) -> dict[str, ClipEmbedding]:
    """By key, all alive, in order."""
    done = list(embed_clips(clips, embedder, cache, workers))
    assert [clip.key for clip in done] == [clip.key for clip in clips]
    return {clip.key: clip for clip in done if isinstance(clip, ClipEmbedding)}


def rows_of(done: dict[str, ClipEmbedding]) -> dict[str, bytes]:
    return {key: clip.rows.tobytes() for key, clip in sorted(done.items())}


def files_of(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_order_workers_and_cache_change_no_byte(tmp_path: Path) -> None:
    yamnet, clips = network("yamnet"), sounds()
    alone = run(clips, yamnet, None)
    assert rows_of(alone) == {clip.key: yamnet.embed(clip.audio.astype(np.float32)).tobytes() for clip in clips}
    cold = run(clips, yamnet, open_store(str(tmp_path / "a")), workers=3)
    run(clips[::-1], yamnet, open_store(str(tmp_path / "b")), workers=1)
    warm = run(clips[::-1], yamnet, open_store(str(tmp_path / "a")), workers=2)
    assert rows_of(cold) == rows_of(warm) == rows_of(alone)
    assert not any(clip.kept for clip in cold.values())
    assert all(clip.kept for clip in warm.values())
    assert files_of(tmp_path / "a") == files_of(tmp_path / "b")
    assert len(files_of(tmp_path / "a")) == len(clips)


def test_what_is_kept_is_not_heard_again(tmp_path: Path) -> None:
    levels, store = Levels(), open_store(str(tmp_path))
    run(sounds(), levels, store)
    assert levels.heard == 6
    run([*sounds(), Sound("a copy", music()[0], RATE), Sound("another", music()[0] * np.float32(0.5), RATE)], levels, store)
    assert levels.heard == 7


def test_another_network_and_another_rate_have_their_own(tmp_path: Path) -> None:
    levels, other, store = Levels(), Levels(), open_store(str(tmp_path))
    other.identity = hashlib.sha256(b"other").hexdigest()
    for embedder in (levels, other):
        done = run(sounds(1), embedder, store)
        assert not done["clip 0"].kept
    (fast,) = embed_clips([Sound("fast", music()[0], 2 * RATE)], levels, store)
    assert isinstance(fast, ClipEmbedding)
    assert not fast.kept
    assert fast.content != done["clip 0"].content
    assert len(files_of(tmp_path)) == 3


def test_audio_is_resampled_to_what_the_network_hears() -> None:
    clip = resample(music()[0], RATE, 24000)
    (done,) = embed_clips([Sound("24 kHz", clip, 24000)], Levels(), None)
    assert isinstance(done, ClipEmbedding)
    np.testing.assert_array_equal(done.rows, Levels().embed(resample(clip, 24000, RATE)))


def test_floats_of_any_width_and_doubled_stereo_are_the_same(tmp_path: Path) -> None:
    """Mono, its float64 and the mean of a doubled channel are the same samples, so the same embedding and the same kept file."""
    levels, store, clip = Levels(), open_store(str(tmp_path)), music()[0]
    doubled = np.stack([clip, clip], 1).mean(1, dtype=np.float32)
    done = run([Sound("mono", clip, RATE), Sound("float64", clip.astype(np.float64), RATE), Sound("stereo", doubled, RATE)], levels, store)
    assert len(set(rows_of(done).values())) == 1
    assert {item.content for item in done.values()} == {content_hash(clip, RATE)}


def test_a_damaged_kept_file_is_made_again(tmp_path: Path) -> None:
    """Cut short, with a changed byte, empty, all zeros, and with the last of its rows gone to zeros as after a power cut."""
    levels, store = Levels(), open_store(str(tmp_path))
    whole = rows_of(run(sounds(1), levels, store))
    (name,) = files_of(tmp_path)
    kept = (tmp_path / name).read_bytes()
    for torn in (kept[:-1], kept[:-1] + bytes([kept[-1] ^ 1]), b"", bytes(200), kept[:-150] + bytes(150)):
        (tmp_path / name).write_bytes(torn)
        done = run(sounds(1), levels, store)
        assert rows_of(done) == whole
        assert not done["clip 0"].kept
        assert (tmp_path / name).read_bytes() == kept


def test_a_cache_that_cannot_be_used_is_said_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store = open_store(str(tmp_path / "cache"))
    (tmp_path / "cache").rmdir()
    (tmp_path / "cache").write_text("in the way")
    assert len(run(sounds(3), Levels(), store)) == 3
    (line,) = [record.getMessage() for record in caplog.records if record.name == "n2m"]
    assert line.startswith("Embeddings are not kept: cannot read ")


def test_the_cache_lies_where_the_others_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("N2M_CACHE", str(tmp_path))
    run(sounds(1), Levels(), default_cache())
    assert os.listdir(tmp_path) == ["embeddings"]


NAN = np.where(np.arange(RATE) == 500, np.nan, 0.1).astype(np.float32)
BAD = {
    "int16": (np.zeros(RATE, np.int16), "not_float"),
    "int16 as floats": (np.full(RATE, 3000.0, np.float32), "not_full_scale"),
    "NaN": (NAN, "not_finite"),
    "infinity": (np.where(np.isnan(NAN), np.inf, NAN), "not_finite"),
    "minus infinity": (np.where(np.isnan(NAN), -np.inf, NAN), "not_finite"),
    "stereo": (np.zeros((RATE, 2), np.float32), "not_mono"),
    "empty": (np.zeros(0, np.float32), "too_short"),
    "short": (np.zeros(1000, np.float32), "too_short"),
}


def test_bad_audio_is_dead_alone() -> None:
    levels = Levels()
    dead = DeadClip("decoding failed", RowError("decode_failed", "no sound"))
    clips = [sounds(1)[0], dead, *(Sound(name, audio, RATE) for name, (audio, _) in BAD.items()), sounds(2)[1]]
    done = list(embed_clips(clips, levels, None, workers=2))
    assert [clip.key for clip in done] == [clip.key for clip in clips]
    assert {clip.key: clip.error.reason for clip in done if isinstance(clip, DeadClip)} == {
        "decoding failed": "decode_failed",
        **{name: reason for name, (_, reason) in BAD.items()},
    }
    assert levels.heard == 2


def test_nine_tenths_of_a_second_are_too_short_for_every_network(embedder: Embedder) -> None:
    """Except for scorers, which repeat a clip until it fills a window."""
    (done,) = embed_clips([Sound("short", music()[0][:14400], RATE)], embedder, None)
    if embedder.unit == "clip":
        assert isinstance(done, ClipEmbedding)
    else:
        assert isinstance(done, DeadClip)
        assert (done.error.reason, "0.900 s" in done.error.message) == ("too_short", True)


def test_a_network_that_gives_nan_or_nothing_kills_the_clip_and_keeps_nothing(tmp_path: Path) -> None:
    class Broken(Levels):
        def embed(self, audio: np.ndarray) -> np.ndarray:
            return np.full((1, 2), np.nan, np.float32) if audio[0] else np.zeros((0, 2), np.float32)

    clips = [Sound("nothing", np.zeros(RATE, np.float32), RATE), Sound("nan", np.ones(RATE, np.float32), RATE)]
    done = list(embed_clips(clips, Broken(), open_store(str(tmp_path))))
    assert [clip.error.reason for clip in done if isinstance(clip, DeadClip)] == ["too_short", "not_finite"]
    assert not files_of(tmp_path)


def test_clips_are_read_a_few_ahead_and_an_early_end_is_clean() -> None:
    read = []

    def clips() -> object:
        for clip in sounds() * 20:
            read.append(clip.key)
            yield clip

    stream = embed_clips(clips(), Levels(), None, workers=2)  # type: ignore[arg-type]
    next(stream)
    assert len(read) <= 6
    stream.close()  # type: ignore[attr-defined]
    assert threading.active_count() < 20


def test_what_passes_is_what_went_in() -> None:
    clip = music()[0]
    assert check_audio(clip, RATE, 0.5) is not None
    np.testing.assert_array_equal(check_audio(clip * np.float32(1.5), RATE, 0.5), clip * np.float32(1.5))
