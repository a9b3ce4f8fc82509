"""The batching of windows, with a scorer whose network is a known function of its window."""

import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from noise2music.core.arrays import Float32s
from noise2music.core.errors import RowError
from noise2music.core.prefetch import run_ahead
from noise2music.labeling.scorers.base import TextEmbeddings
from noise2music.labeling.stages.embed import Embedded, Failed, Waveform, embed_clips


class MeanScorer:
    """Windows of 4 samples; the network gives (mean, mean square) of a window and counts its calls."""

    name, identity, sample_rate, dim, text_dim = "mean", "0", 4, 2, 2

    def __init__(self, device: str = "cpu") -> None:
        self.device = device
        self.shapes: list[tuple[int, ...]] = []

    def preprocess(self, audio: Float32s) -> torch.Tensor:
        return torch.from_numpy(audio[: len(audio) // 4 * 4].reshape(-1, 4).copy())

    def encode_audio(self, batch: torch.Tensor) -> torch.Tensor:
        self.shapes.append(tuple(batch.shape))
        return torch.stack([batch.mean(1), (batch**2).mean(1)], 1)

    def pool(self, outputs: Float32s) -> Float32s:
        mean = outputs.mean(0)
        return np.asarray(mean / np.linalg.norm(mean), np.float32)

    def embed_text(self, captions: Sequence[str]) -> TextEmbeddings:
        raise NotImplementedError


def clip(windows: int, value: float) -> Waveform:
    return Waveform(f"{windows}-{value}", np.full(windows * 4, value, np.float32) + np.arange(windows * 4, dtype=np.float32) / 100)


@settings(max_examples=30)
@given(st.lists(st.integers(1, 9), max_size=12), st.integers(1, 20))
def test_any_batch_gives_the_same_clips_in_the_same_order(lengths: list[int], batch: int) -> None:
    clips = [clip(length, number + 1.0) for number, length in enumerate(lengths)]
    alone = [next(iter(embed_clips(MeanScorer(), [one], 1))) for one in clips]
    together = list(embed_clips(MeanScorer(), clips, batch))
    for left, right in zip(alone, together, strict=True):
        assert isinstance(left, Embedded)
        assert isinstance(right, Embedded)
        assert (left.key, left.windows) == (right.key, right.windows)
        np.testing.assert_array_equal(left.embedding, right.embedding)


def test_off_the_cpu_every_call_has_one_shape() -> None:
    scorer = MeanScorer("cuda")
    assert len(list(embed_clips(scorer, [clip(3, 1.0), clip(4, 2.0)], 5))) == 2
    assert scorer.shapes == [(5, 4), (5, 4)]


def test_a_failed_clip_keeps_its_place_and_the_others_live() -> None:
    failed = Failed("broken", RowError("silent", "nothing to hear"))
    found = list(embed_clips(MeanScorer(), [clip(2, 1.0), failed, clip(1, 3.0)], 2))
    assert [type(item) for item in found] == [Embedded, Failed, Embedded]


def test_a_network_that_gives_nan_kills_one_clip() -> None:
    poisoned = Waveform("nan", np.full(8, np.nan, np.float32))
    found = list(embed_clips(MeanScorer(), [clip(2, 1.0), poisoned, clip(1, 3.0)], 16))
    assert [item.key for item in found if isinstance(item, Failed)] == ["nan"]


def test_an_error_while_decoding_is_raised_where_the_clips_are_used() -> None:
    def clips() -> Iterator[Waveform]:
        yield clip(1, 1.0)
        raise MemoryError("decoder")

    with pytest.raises(MemoryError, match="decoder"):
        list(embed_clips(MeanScorer(), clips(), 1))


def test_work_runs_ahead_but_not_further_than_asked() -> None:
    made: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            made.append(number)
            yield number

    running = run_ahead(items(), 3)
    assert next(running) == 0
    deadline = time.monotonic() + 5
    while len(made) < 5 and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.05)
    assert len(made) <= 6
    before = threading.active_count()
    running.close()  # type: ignore[attr-defined]
    assert threading.active_count() == before - 1
