"""What the cascade asks of a text encoder, and its embeddings, kept by what they depend on: a hash of the encoder and of the tokens.

They are kept in memory, and in a file that processes share. Values are rounded to half precision whether they come from the cache or not,
so a cache never changes a result.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from noise2music.core.arrays import Float32s
from noise2music.models.text.sqlite_cache import SqliteCache

# Texts whose tokens an encoder remembers: captions come again in every epoch, and with other clips.
REMEMBERED = 1 << 15


class TextEncoder(Protocol):
    """A frozen encoder. name: of the configuration. identity: a hash of weights, configuration and tokeniser. dim: of an embedding."""

    name: str
    identity: str
    dim: int

    def tokenise(self, text: str) -> tuple[int, ...]:
        """The tokens of a text's content: nothing special around them, nothing cut. Remembered for the latest texts."""
        ...

    def room(self, tokens: int) -> int:
        """How many content tokens fit into a sequence of `tokens`, special ones counted."""
        ...

    def encode(self, ids: Sequence[int]) -> Float32s:
        """Content tokens -> (n, dim), a row a token, special ones included.

        The sequence is alone in its batch, and on a CPU on one thread: nothing else matters.
        """
        ...


MEMORY_BYTES = 512 << 20
FILE = "embeddings.sqlite"


class EmbeddingCache:
    """Embeddings of `encoder`, kept in `folder` too unless that is None. Raises UserError where the folder cannot be written."""

    def __init__(self, encoder: TextEncoder, folder: Path | None = None, memory_bytes: int = MEMORY_BYTES) -> None:
        self._encoder = encoder
        self._memory: OrderedDict[bytes, Float32s] = OrderedDict()
        self._free = memory_bytes
        self._lock = threading.Lock()
        self._file = SqliteCache(folder / FILE) if folder is not None else None

    def get(self, ids: Sequence[int]) -> Float32s:
        """Content tokens -> (n, dim), not to be written to; computed where it is not known yet."""
        key = hashlib.sha256(f"{self._encoder.identity} {' '.join(map(str, ids))}".encode()).digest()
        with self._lock:
            embedding = self._memory.get(key)
            if embedding is not None:
                self._memory.move_to_end(key)
                return embedding
            data = self._file.read(key) if self._file else None
            if data is None:
                data = self._encoder.encode(ids).astype(np.float16).tobytes()
                if self._file:
                    self._file.write(key, data)
            return self._remember(key, np.frombuffer(data, np.float16).reshape(-1, self._encoder.dim).astype(np.float32))

    def _remember(self, key: bytes, embedding: Float32s) -> Float32s:
        embedding.setflags(write=False)
        self._memory[key] = embedding
        self._free -= embedding.nbytes
        while self._free < 0 and len(self._memory) > 1:
            self._free += self._memory.popitem(last=False)[1].nbytes
        return embedding
