"""The loader: the same clips whatever reads them, resumed anywhere, and rows that cannot be read."""

import logging
import threading
from collections import Counter
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.models.data.clips import Clip, texts_of
from noise2music.models.data.loader import Loader, clip_order
from noise2music.models.data.shards import Shards, open_shards
from tests.models.data.made_up_shards import RATE, tone, uri_of, write_shards

CROP = 12_000


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    return open_shards(uri_of(write_shards(tmp_path_factory.mktemp("shards"))), "train", RATE)


def content(clip: Clip) -> tuple[int, str, bytes, int, tuple[str, ...]]:
    return clip.number, clip.clip_id, clip.audio.tobytes(), clip.valid, clip.long + clip.short


def take(shards: Shards, steps: int, global_batch_size: int, ranks: int = 1, start: int = 0, workers: int = 1) -> list:
    """What all ranks together see, in step order."""
    loaders = [Loader(shards, 7, CROP, global_batch_size, rank, ranks, start, workers) for rank in range(ranks)]
    together = zip(*(islice(loader, steps) for loader in loaders), strict=True)
    found = [[content(clip) for clip in clips] for step in together for clips in step]
    for loader in loaders:
        loader.close()
    return [clip for clips in found for clip in clips]


def test_the_same_clips_for_any_number_of_ranks_and_workers(shards: Shards) -> None:
    one = take(shards, 6, 8)
    assert [clip[0] for clip in one] == list(range(48))
    assert take(shards, 6, 8, ranks=4, workers=3) == one
    assert take(shards, 12, 4, ranks=2) == one


@settings(max_examples=8)
@given(st.integers(0, 60))
def test_resumed_anywhere(shards: Shards, start: int) -> None:
    assert take(shards, 2, 4, start=start) == take(shards, (start + 8) // 4 + 1, 4)[start : start + 8]


def test_each_epoch_is_every_clip_once_in_another_order(shards: Shards) -> None:
    assert shards.clips == 20
    seen = [clip[1] for clip in take(shards, 15, 4)]
    epochs = [seen[start : start + 20] for start in (0, 20, 40)]
    assert all(len(set(epoch)) == 20 for epoch in epochs)
    assert epochs[0] != epochs[1] != epochs[2]


@given(st.integers(0, 9), st.integers(0, 5), st.lists(st.integers(1, 9), min_size=1, max_size=40), st.integers(1, 8))
def test_order_is_a_permutation(seed: int, epoch: int, group_rows: list[int], block: int) -> None:
    order = clip_order(seed, epoch, group_rows, block)
    assert sorted(order.tolist()) == list(range(sum(group_rows)))
    assert np.array_equal(order, clip_order(seed, epoch, group_rows, block))


def test_an_order_reads_few_groups_at_a_time() -> None:
    groups = np.repeat(np.arange(400), 16)[clip_order(0, 0, [16] * 400, 32)]
    assert all(len(set(groups[start : start + 512])) == 32 for start in range(0, 6400 - 511, 512))
    assert len(set(groups[:32])) > 15


def test_crops_are_whole_frames_of_the_recording(shards: Shards) -> None:
    audio = {stable_id("clip", n): tone(n, 1.5) for n in range(24)}
    starts = set()
    for _, clip_id, data, valid, _ in take(shards, 10, 8):
        crop = np.frombuffer(data, np.float32)
        whole = np.lib.stride_tricks.sliding_window_view(audio[clip_id], CROP)[::240]
        (places,) = np.nonzero(np.abs(whole - crop).max(1) < 1e-4)
        assert valid == CROP
        assert len(places) >= 1
        starts.add(int(places[0]))
    assert len(starts) > 30


def test_a_short_clip_is_padded_at_the_end(tmp_path: Path) -> None:
    short = open_shards(uri_of(write_shards(tmp_path, seconds=0.3)), "train", RATE)
    with Loader(short, 0, CROP, 4) as loader:
        for clip in next(iter(loader)):
            assert clip.valid == 7200
            assert clip.audio.shape == (CROP,)
            assert not clip.audio[7200:].any()
            assert clip.audio[:7200].any()


def test_long_and_short_texts() -> None:
    labels = [
        {"vocabulary": "llm_long", "caption": "slow piano"},
        {"vocabulary": "rater_short", "caption": "a very long tag of more than six words"},
        {"vocabulary": "mine", "caption": "A slow piano plays over warm strings."},
        {"vocabulary": "mine", "caption": "sad"},
    ]
    long, short = texts_of("Moon", ["jazz"], labels)
    assert long == ("slow piano", "A slow piano plays over warm strings.")
    assert short == ("a very long tag of more than six words", "sad", "Moon", "jazz")


def broken(tmp_path: Path, numbers: dict[int, bytes]) -> Shards:
    change = {number: {"audio": {"bytes": data, "path": "x.flac"}} for number, data in numbers.items()}
    return open_shards(uri_of(write_shards(tmp_path, change=change)), "train", RATE)


def test_rows_that_cannot_be_read_are_named_and_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    whole = write_shards(tmp_path / "whole", inline=True).read(["audio"]).column("audio").to_pylist()[0]["bytes"]
    shards = broken(tmp_path / "broken", {1: b"no audio", 4: whole[: len(whole) // 3], 9: b""})
    with caplog.at_level(logging.WARNING, "n2m"), Loader(shards, 7, CROP, 4, workers=2) as loader:
        clips = [clip for step in islice(loader, 15) for clip in step]
        assert set(loader.corrupt) == {stable_id("clip", n) for n in (1, 4, 9)}
    assert not {clip.clip_id for clip in clips} & set(loader.corrupt)
    assert [clip.number for clip in clips] == list(range(60))
    assert Counter(record.message.split()[1] for record in caplog.records) == dict.fromkeys(loader.corrupt, 1)
    again = take(shards, 15, 4, ranks=2, workers=3)
    assert again == [content(clip) for clip in clips]


def test_nothing_but_broken_rows_is_an_error(tmp_path: Path) -> None:
    shards = broken(tmp_path, dict.fromkeys(range(24), b"no audio"))
    with Loader(shards, 0, CROP, 4) as loader, pytest.raises(UserError, match=r"clips.* cannot be read.*n2m label"):
        next(iter(loader))


def test_uneven_shares_are_refused(shards: Shards) -> None:
    with pytest.raises(UserError, match=r"global_batch_size = 9 cannot be shared evenly by 2 processes"):
        Loader(shards, 0, CROP, 9, 0, 2)


def test_closing_leaves_no_thread(shards: Shards) -> None:
    before = threading.active_count()
    with Loader(shards, 0, CROP, 4, workers=3) as loader:
        next(iter(loader))
        assert threading.active_count() > before
    assert threading.active_count() == before
