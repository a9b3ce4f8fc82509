"""The embedding cache never changes a value and never stops a run."""

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from labeling.errors import UserError
from labeling.scorers.base import Float32s
from models.text.cache import FILE, EmbeddingCache


class Counting:
    """An encoder whose embedding is a function of its tokens, and which counts its calls."""

    name, identity, dim = "counting", "abc", 3

    def __init__(self) -> None:
        self.calls = 0

    def tokenise(self, text: str) -> tuple[int, ...]:
        return tuple(map(ord, text))

    def room(self, tokens: int) -> int:
        return tokens

    def encode(self, ids: Sequence[int]) -> Float32s:
        self.calls += 1
        return np.sin(np.asarray(ids, np.float32)[:, None] * np.arange(1, 4, dtype=np.float32))


def test_hit_miss_file_and_memory_give_the_same_bytes(tmp_path: Path) -> None:
    encoder = Counting()
    first = EmbeddingCache(encoder, tmp_path)
    miss, hit = first.get((5, 6)).tobytes(), first.get((5, 6)).tobytes()
    other_process = EmbeddingCache(encoder, tmp_path).get((5, 6)).tobytes()
    assert miss == hit == other_process == EmbeddingCache(Counting()).get((5, 6)).tobytes()
    assert encoder.calls == 1


def test_another_encoder_has_other_rows(tmp_path: Path) -> None:
    EmbeddingCache(Counting(), tmp_path).get((1,))
    other = Counting()
    other.identity = "another"
    EmbeddingCache(other, tmp_path).get((1,))
    assert other.calls == 1


def test_memory_is_bounded_and_what_fell_out_is_still_right() -> None:
    encoder = Counting()
    cache = EmbeddingCache(encoder, None, memory_bytes=100)
    wanted = [cache.get((n,)).copy() for n in range(50)]
    assert all(np.array_equal(cache.get((n,)), value) for n, value in enumerate(wanted))
    assert 50 < encoder.calls <= 100


def test_a_row_that_was_damaged_is_computed_again(tmp_path: Path) -> None:
    wanted = EmbeddingCache(Counting(), tmp_path).get((7, 8)).copy()
    with sqlite3.connect(tmp_path / FILE) as file:
        file.execute("UPDATE embeddings SET data = zeroblob(length(data))")
    file.close()
    encoder = Counting()
    assert np.array_equal(EmbeddingCache(encoder, tmp_path).get((7, 8)), wanted)
    assert encoder.calls == 1


@pytest.mark.parametrize("damage", ["garbage", "torn"])
def test_a_damaged_file_is_begun_anew(tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture) -> None:
    cache = EmbeddingCache(Counting(), tmp_path)
    for n in range(400):
        cache.get((n, n + 1, n + 2))
    del cache
    path = tmp_path / FILE
    data = path.read_bytes()
    path.write_bytes(b"this is no database" * 100 if damage == "garbage" else data[:4096] + bytes(len(data) - 4096))
    for suffix in ("-wal", "-shm"):
        path.with_name(FILE + suffix).unlink(missing_ok=True)
    with caplog.at_level(logging.WARNING, "n2m"):
        logging.getLogger("n2m").propagate = True
        again = EmbeddingCache(Counting(), tmp_path)
    assert "is damaged" in caplog.text
    assert again.get((1,)).shape == (1, 3)


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot write the embedding cache .*Set text\.cache"):
        EmbeddingCache(Counting(), tmp_path / "file" / "below")
