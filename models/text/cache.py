"""Embeddings kept by what they depend on: a hash of the encoder and of the tokens. In memory, and in a file that several processes share.

Values are rounded to half precision whether they come from the cache or not, so a cache never changes a result.
"""

import hashlib
import logging
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from labeling.errors import UserError
from labeling.scorers.base import Float32s
from models.text.encoder import TextEncoder

MEMORY_BYTES = 512 << 20
FILE = "embeddings.sqlite"
_NOT_OURS = (sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY)
"""What SQLite says where the place is at fault, and not the file."""
log = logging.getLogger("n2m")


class EmbeddingCache:
    """Embeddings of `encoder`, kept in `folder` too unless that is None. Raises UserError where the folder cannot be written."""

    def __init__(self, encoder: TextEncoder, folder: Path | None = None, memory_bytes: int = MEMORY_BYTES) -> None:
        self._encoder = encoder
        self._memory: OrderedDict[bytes, Float32s] = OrderedDict()
        self._free = memory_bytes
        self._lock = threading.Lock()
        self._file = _open(folder / FILE) if folder is not None else None

    def get(self, ids: Sequence[int]) -> Float32s:
        """Content tokens -> (n, dim), computed where it is not known yet."""
        key = hashlib.sha256(f"{self._encoder.identity} {' '.join(map(str, ids))}".encode()).digest()
        with self._lock:
            found = self._memory.get(key)
            if found is not None:
                self._memory.move_to_end(key)
                return found
            half = self._read(key)
            if half is None:
                half = self._encoder.encode(ids).astype(np.float16)
                self._write(key, half)
            return self._remember(key, half.astype(np.float32))

    def _remember(self, key: bytes, embedding: Float32s) -> Float32s:
        self._memory[key] = embedding
        self._free -= embedding.nbytes
        while self._free < 0 and len(self._memory) > 1:
            self._free += self._memory.popitem(last=False)[1].nbytes
        return embedding

    def _read(self, key: bytes) -> "np.ndarray[tuple[int, int], np.dtype[np.float16]] | None":
        if self._file is None:
            return None
        try:
            row = self._file.execute("SELECT checksum, data FROM embeddings WHERE key = ?", (key,)).fetchone()
        except sqlite3.Error as error:
            self._give_up(error)
            return None
        if row is None or row[0] != hashlib.sha256(key + row[1]).digest():
            return None
        return np.frombuffer(row[1], np.float16).reshape(-1, self._encoder.dim)

    def _write(self, key: bytes, embedding: "np.ndarray[tuple[int, int], np.dtype[np.float16]]") -> None:
        if self._file is None:
            return
        data = embedding.tobytes()
        try:
            with self._file:
                row = (key, hashlib.sha256(key + data).digest(), data)
                self._file.execute("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", row)
        except sqlite3.Error as error:
            self._give_up(error)

    def _give_up(self, error: sqlite3.Error) -> None:
        """A cache that fails in use is no reason to stop: embeddings are computed."""
        log.warning("The embedding cache is no longer used (%s); embeddings are computed and kept in memory.", error)
        self._file = None


def _open(path: Path) -> sqlite3.Connection:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return _connect(path)
    except OSError as error:
        raise UserError(f"cannot write the embedding cache {path.parent}: {error.strerror}. Set text.cache to a folder of yours.") from None
    except sqlite3.DatabaseError as error:
        if getattr(error, "sqlite_errorcode", 0) & 0xFF in _NOT_OURS:
            raise UserError(f"cannot open the embedding cache {path}: {error}. Set text.cache to another folder.") from None
        log.warning("The embedding cache %s is damaged (%s) and is begun anew.", path, error)
        for suffix in ("", "-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    """Opened and checked. Write-ahead logging lets several processes read and write, and a crash loses the last rows at worst."""
    connection = sqlite3.connect(path, timeout=60, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, checksum BLOB NOT NULL, data BLOB NOT NULL)")
        with closing(connection.execute("PRAGMA quick_check(1)")) as checked:
            if checked.fetchone() != ("ok",):
                raise sqlite3.DatabaseError("it fails SQLite's own check")
        return connection
    except BaseException:
        connection.close()
        raise
