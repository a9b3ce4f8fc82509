"""hear: Beam's workers fill the cache with the bytes that one process makes, and bad clips stop nobody."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from noise2music.core.errors import RowError, UserError
from noise2music.core.storage import open_store
from noise2music.evaluation.embedders.clips import ClipEmbedding, DeadClip, Sound, embed_clips
from noise2music.pipelines.hear import hear_all
from noise2music.pipelines.settings import RunSettings
from tests.evaluation.embedders.conftest import network
from tests.evaluation.embedders.sounds import RATE, music

KEYS = [str(index) for index in range(8)]


def read(keys: Sequence[str]) -> Iterator[Sound | DeadClip]:
    """Clip 3 cannot be decoded, clip 5 is too short."""
    for key in keys:
        audio = music()[int(key)]
        if key == "3":
            yield DeadClip(key, RowError("decode_failed", "no sound"))
        else:
            yield Sound(key, audio[:100] if key == "5" else audio, RATE)


@pytest.mark.parametrize("run", [RunSettings(workers=1, device="cpu"), RunSettings(workers=2, device="cpu")], ids=["one", "two threads"])
def test_the_cache_holds_what_one_process_makes(run: RunSettings, tmp_path: Path) -> None:
    names = ("yamnet", "resemblyzer")
    for name in names:
        network(name)
    hear_all(run, read, KEYS, names, str(tmp_path), at_once=3)
    for name in names:
        alone = [clip for clip in embed_clips(read(KEYS), network(name), None) if isinstance(clip, ClipEmbedding)]
        kept = [clip for clip in embed_clips(read(KEYS), network(name), open_store(str(tmp_path))) if isinstance(clip, ClipEmbedding)]
        assert [clip.key for clip in kept] == ["0", "1", "2", "4", "6", "7"]
        assert all(clip.kept for clip in kept)
        for left, right in zip(alone, kept, strict=True):
            np.testing.assert_array_equal(left.rows, right.rows)


def test_a_network_that_is_not_there_is_one_message(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r'^there is no network "nobody"'):
        hear_all(RunSettings(workers=1, device="cpu"), read, KEYS[:1], ["nobody"], str(tmp_path))
