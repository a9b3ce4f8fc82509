"""The shards of a labeling run as training reads them: only what the manifest lists, and only if it is what the manifest says."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from noise2music.core.errors import UserError, first_line
from noise2music.core.ids import file_hash
from noise2music.core.local_cache import cache_folder, download
from noise2music.core.storage import Store, is_remote, local_path, open_existing
from noise2music.labeling.datasets.audio_files import AudioFiles, audio_columns
from noise2music.labeling.datasets.current import open_current
from noise2music.labeling.datasets.dataset import LATEST, Dataset, find_damage, open_dataset
from noise2music.labeling.datasets.join import open_joined
from noise2music.labeling.datasets.manifest import MANIFEST_NAME, PartFile
from noise2music.labeling.datasets.parts import MEND

EAGER_BYTES = 4 << 30
"""Shards of up to so many bytes on this machine are hashed before training; of larger ones each file is, before it is first used."""

COLUMNS = ["clip_id", "title", "tags", "labels"]
_DESCRIBING = ["split", "licence", "sample_rate", "labels.list.element.vocabulary"]


@dataclass(frozen=True)
class RowGroup:
    """A row group with clips of the split: its file, its number there, and which of its rows are of the split."""

    file: int
    group: int
    rows: npt.NDArray[np.int32]


class Shards:
    """Clips of one split. digest: of the manifest's content. licences, vocabularies: found in the split, sorted."""

    def __init__(self, dataset: Dataset, split: str, rate: int | None, cache: Path | None) -> None:
        self.dataset = dataset
        self.split = split
        self.digest = dataset.digest
        self._files: Sequence[PartFile] = [_below_root(dataset, file) for part in dataset.manifest.parts for file in part.files]
        self._shared = {file.path: file for file in dataset.manifest.shared}
        self._audio = AudioFiles(dataset.store, self._open_audio)
        self._cache = cache or cache_folder() / "shards"
        self._checked: dict[str, Path] = {}
        self._lock = threading.Lock()
        licences: set[str] = set()
        vocabularies: set[str] = set()
        self.row_groups = tuple(self._index(rate, licences, vocabularies))
        self.group_rows = tuple(len(row_group.rows) for row_group in self.row_groups)
        self.starts = np.concatenate([[0], np.cumsum(self.group_rows, dtype=np.int64)])
        self.licences, self.vocabularies = tuple(sorted(licences)), tuple(sorted(vocabularies))

    @property
    def clips(self) -> int:
        """Rows of the split."""
        return int(self.starts[-1])

    def locate(self, row: int) -> tuple[int, int]:
        """A row's number in the split -> the number of its group in `row_groups`, and which of the group's rows it is."""
        group = int(np.searchsorted(self.starts, row, side="right")) - 1
        return group, int(self.row_groups[group].rows[row - int(self.starts[group])])

    def read_group(self, number: int, columns: Sequence[str] = COLUMNS, only: int | None = None) -> pa.Table:
        """The rows of a group of `row_groups`. Rows of other splits are among them, perhaps without audio. Column `audio` holds FLAC,
        wherever the shard keeps it. only: the one row of the group whose audio is read. Raises UserError where a file is gone or changed.
        """
        row_group = self.row_groups[number]
        if only is not None:
            row_group = replace(row_group, rows=np.array([only], np.int32))
        file = self._files[row_group.file]
        try:
            with pq.ParquetFile(self._local(file)) as parquet:
                table = parquet.read_row_group(row_group.group, [*columns, *audio_columns(parquet.schema_arrow.names)])
        except (pa.ArrowException, OSError) as error:
            raise self._damaged(file, f"cannot be read ({first_line(error)})") from None
        return table if "audio" in table.column_names else self._with_audio(table, row_group, columns)

    def check_all(self) -> None:
        """Hash every file now. Raises UserError that names what is missing or changed."""
        files = {file.path: file for file in (*self._files, *self._shared.values())}
        for damage in find_damage(self.dataset, "hash", shared=True):
            raise self._damaged(files[damage.path], damage.what)
        if not is_remote(self.dataset.store.uri):
            root = local_path(self.dataset.store.uri)
            self._checked = {path: root / path for path in files}

    @property
    def size(self) -> int:
        """Bytes of all files that reading may need."""
        return sum(file.bytes for file in (*self._files, *self._shared.values()))

    def _with_audio(self, table: pa.Table, row_group: RowGroup, columns: Sequence[str]) -> pa.Table:
        """The rows of the split with their audio, read where each row says."""
        clips = [pa.nulls(1, pa.binary())] * len(table)
        paths, rows = table.column("audio_file").to_pylist(), table.column("audio_row").to_pylist()
        for row in row_group.rows.tolist():
            clips[row] = self._audio.read_array(paths[row], rows[row])
        chunks = [pa.StructArray.from_arrays([clip], ["bytes"]) for clip in clips]
        return table.select(list(columns)).append_column("audio", pa.chunked_array(chunks))

    def _open_audio(self, path: str) -> pq.ParquetFile:
        """A file of FLAC that the manifest lists, on this machine."""
        if path not in self._shared:
            raise UserError(
                f"{self.dataset.store.describe(path)} is referred to, but the manifest does not list it. Run `n2m label` again."
            )
        return pq.ParquetFile(self._local(self._shared[path]), memory_map=True)

    def _index(self, rate: int | None, licences: set[str], vocabularies: set[str]) -> Iterator[RowGroup]:
        for number, file in enumerate(self._files):
            for group, table in enumerate(self._describing(file)):
                rows = np.flatnonzero(np.array(table.column("split").to_pylist()) == self.split).astype(np.int32)
                if not len(rows):
                    continue
                wrong = set(table.column("sample_rate").to_pylist()) - {rate}
                if wrong and rate is not None:
                    raise UserError(
                        f"{self._describe(file)} holds audio of {wrong.pop()} Hz; the cascade trains on {rate} Hz. "
                        f"Set [shards] sample_rate = {rate} and run `n2m label` again."
                    )
                clips = table.take(rows)
                licences |= {licence or "unknown" for licence in clips.column("licence").to_pylist()}
                vocabularies |= {label["vocabulary"] for labels in clips.column("labels").to_pylist() for label in labels}
                yield RowGroup(number, group, rows)

    def _describing(self, file: PartFile) -> Iterator[pa.Table]:
        """The small columns of each row group."""
        try:
            with self.dataset.store.reader(file.path) as stream, pq.ParquetFile(stream) as parquet:
                for group in range(parquet.num_row_groups):
                    yield parquet.read_row_group(group, _DESCRIBING)
        except FileNotFoundError:
            raise self._damaged(file, "is missing") from None
        except (pa.ArrowException, OSError, KeyError) as error:
            raise self._damaged(file, f"cannot be read ({first_line(error)})") from None

    def _local(self, file: PartFile) -> Path:
        """A file on this machine whose hash is right."""
        with self._lock:
            if file.path not in self._checked:
                self._checked[file.path] = self._fetch(file) if is_remote(self.dataset.store.uri) else self._check_here(file)
            return self._checked[file.path]

    def _check_here(self, file: PartFile) -> Path:
        path = local_path(self.dataset.store.uri) / file.path
        if not path.is_file():
            raise self._damaged(file, "is missing")
        if _sha256(path) != file.sha256:
            raise self._damaged(file, "has another content (sha256 differs)")
        return path

    def _fetch(self, file: PartFile) -> Path:
        """Downloaded once, under the name of its hash, whole or not at all."""
        path = self._cache / f"{file.sha256}.parquet"
        if path.is_file() and path.stat().st_size == file.bytes:
            return path

        def check(aside: Path) -> None:
            if _sha256(aside) != file.sha256:
                raise self._damaged(file, "has another content (sha256 differs)")

        try:
            download(self.dataset.store, file.path, path, check)
        except FileNotFoundError:
            raise self._damaged(file, "is missing") from None
        except OSError as error:
            raise UserError(f"cannot keep a shard in {self._cache}: {error.strerror}. Free space, or set data.cache.") from None
        return path

    def _describe(self, file: PartFile) -> str:
        return self.dataset.store.describe(file.path)

    def _damaged(self, file: PartFile, what: str) -> UserError:
        return UserError(f"{self._describe(file)} {what}. {MEND}")


def open_shards(uri: str, split: str, rate: int | None, cache: Path | None = None) -> Shards:
    """The shards of a labeling run's root, or of one shard dataset. Raises UserError where there are none, or no clip of the split.

    rate: what their audio must have, in Hz; None takes any.
    """
    dataset = _find(uri)
    shards = Shards(dataset, split, rate, cache)
    if not shards.clips:
        splits = sorted(set(dataset.read(["split"]).column("split").to_pylist())) if dataset.manifest.rows else []
        content = f"its splits are {', '.join(map(repr, splits))}" if splits else "it has no clips at all"
        raise UserError(f"{dataset.store.describe(dataset.path)} has no clip of the split {split!r}: {content}. Set data.split.")
    if not is_remote(dataset.store.uri) and shards.size <= EAGER_BYTES:
        shards.check_all()
    return shards


def _find(uri: str) -> Dataset:
    store = open_existing(uri)
    if store.head(LATEST) is not None:
        return open_current(store)
    if (joined := open_joined(store)) is not None:
        return joined
    if store.head(MANIFEST_NAME) is None:
        raise UserError(
            f"{uri} has neither {LATEST} nor {MANIFEST_NAME}: it is no labeling run that has finished. "
            "Give the root of a run of `n2m label`, or the folder of its shards."
        )
    root, stage, fingerprint = _above(uri)
    if stage != "shard":
        raise UserError(f"{uri} is a dataset of the stage {stage}, not of shards. Give the root of the run, or a folder below shard/.")
    dataset = open_dataset(Store(root), f"{stage}/{fingerprint}")
    if dataset is None:
        raise UserError(f"{uri} has no manifest any more.")
    return dataset


def _below_root(dataset: Dataset, file: PartFile) -> PartFile:
    """A file of the dataset by its path below the store, as shared files are named."""
    return file.model_copy(update={"path": f"{dataset.path}/{file.path}".removeprefix("/")})


def _above(uri: str) -> tuple[str, str, str]:
    """A dataset's folder -> (its root, its stage, its name)."""
    whole = uri.rstrip("/") if is_remote(uri) else str(local_path(uri).resolve())
    root, stage, name = whole.rsplit("/", 2)
    return root, stage, name


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return file_hash(file)
