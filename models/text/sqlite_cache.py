"""Bytes by key in one SQLite file that several processes of a machine share, and that never stops a run once it is open.

Write-ahead logging: readers and writers do not wait for each other, and a crash loses the last rows at worst. Each row has a checksum, so
a row that was damaged is no row. A file that is damaged is begun anew, since what it held can be computed.
"""

import hashlib
import logging
import sqlite3
from pathlib import Path

from noise2music.core.errors import UserError
from noise2music.core.local_cache import file_lock

BUSY_SECONDS = 60.0
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
log = logging.getLogger("n2m")


class SqliteCache:
    """`path` is made where it is not there yet. Raises UserError where it cannot be opened; after that, failures are only logged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._mended = False
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with file_lock(_lock_of(path)):
                self._connection: sqlite3.Connection | None = _open(path)
                self._number = path.stat().st_ino
        except (OSError, sqlite3.Error) as error:
            raise UserError(f"cannot open the embedding cache {path} ({error}). Set text.cache to a folder of yours.") from None

    def read(self, key: bytes) -> bytes | None:
        """The row of a key; None where there is none that is whole."""
        row = self._run("SELECT checksum, data FROM embeddings WHERE key = ?", key)
        if row is None or not isinstance(row[1], bytes) or row[0] != _checksum(key, row[1]):
            return None
        return row[1]

    def write(self, key: bytes, data: bytes) -> None:
        """Keep a row, in place of one with the same key."""
        self._run("INSERT OR REPLACE INTO embeddings VALUES (?, ?, ?)", key, _checksum(key, data), data)

    def _run(self, statement: str, *values: bytes) -> tuple[object, ...] | None:
        if self._connection is None:
            return None
        try:
            with self._connection:
                row: tuple[object, ...] | None = self._connection.execute(statement, values).fetchone()
                return row
        except sqlite3.Error as error:
            self._connection.close()
            self._connection = self._mend(error)
            return None

    def _mend(self, error: sqlite3.Error) -> sqlite3.Connection | None:
        """After a failure: a new file where the old one is damaged, once; otherwise none."""
        if _is_damage(error) and not self._mended:
            self._mended = True
            try:
                with file_lock(_lock_of(self._path)):
                    # Another process may have begun anew already.
                    if self._path.exists() and self._path.stat().st_ino == self._number:
                        _remove(self._path, error)
                    return _open(self._path)
            except (OSError, sqlite3.Error) as second:
                error = sqlite3.OperationalError(str(second))
        log.warning("The embedding cache %s is no longer used (%s); embeddings are computed and kept in memory.", self._path, error)
        return None


def _lock_of(path: Path) -> Path:
    return path.with_name(path.name + ".lock")


def _open(path: Path) -> sqlite3.Connection:
    """The file, begun anew where SQLite finds it damaged. Pages are not read to the end: a cache may hold terabytes."""
    try:
        return _connect(path)
    except sqlite3.DatabaseError as error:
        if not _is_damage(error):
            raise
        _remove(path, error)
        return _connect(path)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, check_same_thread=False)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        connection.execute("CREATE TABLE IF NOT EXISTS embeddings (key BLOB PRIMARY KEY, checksum BLOB NOT NULL, data BLOB NOT NULL)")
        connection.execute("SELECT checksum, data FROM embeddings WHERE key = ?", (b"",)).fetchone()
        return connection
    except BaseException:
        connection.close()
        raise


def _remove(path: Path, error: sqlite3.Error) -> None:
    log.warning("The embedding cache %s is damaged (%s) and is begun anew.", path, error)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _is_damage(error: sqlite3.Error) -> bool:
    return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGE


def _checksum(key: bytes, data: bytes) -> bytes:
    return hashlib.sha256(key + data).digest()
