"""The embedding cache never changes a value and never stops a run."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from noise2music.core.arrays import Float32s
from noise2music.core.errors import UserError
from noise2music.models.text.encoder import FILE, EmbeddingCache


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


def test_what_it_gives_cannot_be_changed() -> None:
    """A caller that wrote into an embedding would change it for every clip that comes."""
    with pytest.raises(ValueError, match="read-only"):
        EmbeddingCache(Counting()).get((1, 2))[0] = 0.0


def test_threads_get_the_same(tmp_path: Path) -> None:
    encoder = Counting()
    cache = EmbeddingCache(encoder, tmp_path, memory_bytes=60)
    wanted = {n: EmbeddingCache(Counting()).get((n, n)).tobytes() for n in range(20)}
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: (n % 20, cache.get((n % 20, n % 20)).tobytes()), range(400)))
    assert all(data == wanted[n] for n, data in found)
    assert encoder.calls == 20


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cannot open the embedding cache .*Set text\.cache"):
        EmbeddingCache(Counting(), tmp_path / "file" / "below")


_DIGEST = """
import hashlib, sys
from pathlib import Path
from noise2music.models.text.encoder import EmbeddingCache
from noise2music.models.text.load import TextSettings, load_encoder
encoder = load_encoder(TextSettings())
cache = EmbeddingCache(encoder, Path(sys.argv[1]) if len(sys.argv) > 1 else None)
texts = ["a sad piano piece", "静かなピアノ曲", "🎻 émouvant", "", "electric guitar solo over a walking bass, " * 8]
print(hashlib.sha256(b"".join(cache.get(encoder.tokenise(text)).tobytes() for text in texts)).hexdigest())
"""


@pytest.mark.slow
def test_processes_of_any_threads_get_the_same_bytes_with_and_without_a_file(tmp_path: Path) -> None:
    def digest(threads: int, *arguments: str) -> str:
        environment = {**os.environ, "OMP_NUM_THREADS": str(threads)}
        return subprocess.run(
            [sys.executable, "-c", _DIGEST, *arguments], env=environment, capture_output=True, text=True, check=True
        ).stdout.strip()

    miss, hit = digest(1, str(tmp_path)), digest(2, str(tmp_path))
    assert len(miss) == 64
    assert miss == hit == digest(2) == digest(1)
