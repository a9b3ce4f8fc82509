"""Files of FLAC that all versions of a dataset share: Parquet, named by their own hash, one clip a row and one row a row group.

They lie in `{root}/flac/`. Labels refer to a file and a row, so a change of labels writes no audio, and a reader gets a clip's bytes with
one ranged read. Datasets list the files that they refer to (PartRecord.shared). A file that no dataset lists any more can be deleted
(flows.prune).

Rows of shards refer to their audio; those of joined files, and of shards from before audio had its own files, hold it.
"""

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from noise2music.core.errors import UserError, first_line
from noise2music.core.put_first import put_first
from noise2music.core.storage import Store
from noise2music.labeling.datasets.manifest import PartFile
from noise2music.labeling.datasets.parts import MEND, parquet_bytes
from noise2music.labeling.schemas import FLAC, JOINED

FOLDER = "flac"
_OPEN = 64


def audio_file_path(sha256: str) -> str:
    """Where the file with this hash lies below the root."""
    return f"{FOLDER}/{sha256}.parquet"


def hash_in_path(path: str) -> str:
    """The SHA-256 that a file's content must have, from its path."""
    return path.rpartition("/")[2].removesuffix(".parquet")


def write_audio_file(store: Store, rows: Sequence[dict[str, Any]]) -> PartFile:
    """Rows of schemas.FLAC, in key order -> their file. The same rows give the same file, whoever writes it. Raises UserError."""
    data = parquet_bytes(pa.Table.from_pylist(list(rows), FLAC), FLAC, row_group_rows=1, compressed=False)
    sha256 = hashlib.sha256(data).hexdigest()
    put_first(store, audio_file_path(sha256), data)
    return PartFile(path=audio_file_path(sha256), rows=len(rows), bytes=len(data), sha256=sha256)


class AudioFiles:
    """Reads clips from a root's files of FLAC, and holds some files open. Threads may share it.

    open_file: a path below the root -> the open file; None reads from the store itself.
    """

    def __init__(self, store: Store, open_file: Callable[[str], pq.ParquetFile] | None = None) -> None:
        self._store = store
        self._open_file = open_file or (lambda path: pq.ParquetFile(store.reader(path), pre_buffer=False))
        self._open: OrderedDict[str, pq.ParquetFile] = OrderedDict()
        self._lock = threading.Lock()

    def read(self, path: str, row: int) -> bytes:
        """The FLAC bytes of one clip. Raises UserError where the file is missing or cannot be read."""
        flac: bytes = self.read_array(path, row)[0].as_py()
        return flac

    def read_array(self, path: str, row: int) -> pa.Array:
        """The same as an Arrow array of one value, which copies nothing."""
        with self._explained(path), self._lock:
            return flac_array(self._file(path), row)

    def size(self, path: str, row: int) -> int:
        """The size of a clip's FLAC in bytes, about, from the file's footer. Raises UserError as `read` does."""
        with self._explained(path), self._lock:
            metadata = self._file(path).metadata
            if row >= metadata.num_row_groups:
                raise IndexError(f"it has no row {row}")
            return int(metadata.row_group(row).column(FLAC.get_field_index("flac")).total_uncompressed_size)

    @contextmanager
    def _explained(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise UserError(f"{self._store.describe(path)} is missing. {MEND}") from None
        except (pa.ArrowException, OSError, IndexError) as error:
            raise UserError(f"{self._store.describe(path)} cannot be read ({first_line(error)}). {MEND}") from None

    def close(self) -> None:
        """Close all files."""
        with self._lock:
            for file in self._open.values():
                file.close()
            self._open.clear()

    def _file(self, path: str) -> pq.ParquetFile:
        if path in self._open:
            self._open.move_to_end(path)
            return self._open[path]
        self._open[path] = self._open_file(path)
        if len(self._open) > _OPEN:
            self._open.popitem(last=False)[1].close()
        return self._open[path]


def flac_array(file: pq.ParquetFile, row: int) -> pa.Array:
    """The FLAC bytes of a row of an open file, as an array of one value."""
    return file.read_row_group(row, ["flac"], use_threads=False).column(0).chunk(0)


REFERENCE = ("audio_file", "audio_row")
INLINE = ("audio",)


def audio_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Which of a shard's columns lead to its audio."""
    return INLINE if "audio" in names else REFERENCE


def audio_of_row(row: dict[str, Any], files: AudioFiles) -> bytes:
    """The FLAC bytes of a row that has its `audio_columns`. Raises UserError where a file is missing or damaged."""
    flac: bytes = row["audio"]["bytes"] if "audio" in row else files.read(row["audio_file"], row["audio_row"])
    return flac


def with_audio(table: pa.Table, files: AudioFiles) -> pa.Table:
    """Rows that refer to their audio (schemas.SHARD) -> rows that hold it (schemas.JOINED). Rows that already hold it are returned
    unchanged.
    """
    if "audio" in table.column_names:
        return table
    references = table.select(["clip_id", *REFERENCE]).to_pylist()
    audio = [{"bytes": files.read(row["audio_file"], row["audio_row"]), "path": f"{row['clip_id']}.flac"} for row in references]
    return table.drop_columns(list(REFERENCE)).append_column(JOINED.field("audio"), pa.array(audio, JOINED.field("audio").type))
