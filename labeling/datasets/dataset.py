"""Reads finished datasets by their manifest, and checks that their files match it."""

import json
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Literal

import pyarrow as pa

from noise2music.core.errors import UserError
from noise2music.core.storage import Store, object_hash
from noise2music.labeling.datasets.fingerprint import dataset_path, dataset_title
from noise2music.labeling.datasets.manifest import MANIFEST_NAME, Manifest, PartFile, parse_manifest
from noise2music.labeling.datasets.parts import read_parquet
from noise2music.labeling.schemas import DEAD

# Which datasets belong to the latest finished run of a root: one small file.


LATEST = "_LATEST.json"


def latest_paths(root: Store) -> dict[str, Any]:
    """Paths of the datasets by stage, and those of each vocabulary below "vocabularies". Raises UserError where no run is finished."""
    try:
        paths = json.loads(root.get(LATEST))
    except FileNotFoundError:
        raise UserError(f"{root.uri} holds no finished run. Run `n2m label` on it first; `n2m status` shows how far it is.") from None
    except ValueError as error:
        raise unreadable(root, error) from error
    if not isinstance(paths, dict):
        raise unreadable(root, TypeError("it is no table"))
    return paths


def named_paths(paths: Mapping[str, Any]) -> frozenset[str]:
    """The datasets that the latest finished run is made of, as paths below the root."""
    plain = {path for path in paths.values() if isinstance(path, str)}
    groups = paths.get("vocabularies")
    groups = groups.values() if isinstance(groups, Mapping) else ()
    return frozenset(plain | {path for group in groups if isinstance(group, Mapping) for path in group.values()})


def unreadable(root: Store, error: Exception) -> UserError:
    """The error for a damaged file."""
    return UserError(f"{root.describe(LATEST)} cannot be read ({error}). Run `n2m label` again: it is written anew.")


CheckLevel = Literal["hash", "size"]


@dataclass(frozen=True)
class Dataset:
    """The finished, immutable output of one stage. folder: its place below the store, if that is not STAGE/FINGERPRINT."""

    store: Store
    manifest: Manifest
    folder: str = ""

    @property
    def stage(self) -> str:
        """The stage that made it."""
        return self.manifest.stage

    @property
    def name(self) -> str:
        """The vocabulary it belongs to, "" where there is none."""
        return self.manifest.name

    @property
    def fingerprint(self) -> str:
        """The name of its folder."""
        return self.manifest.fingerprint

    @property
    def title(self) -> str:
        """For people and messages."""
        return dataset_title(self.stage, self.name)

    @property
    def path(self) -> str:
        """Its folder below the root."""
        return self.folder or dataset_path(self.stage, self.fingerprint)

    @property
    def digest(self) -> str:
        """Hash of its content."""
        return self.manifest.digest

    @property
    def parts(self) -> range:
        """Numbers of its parts."""
        return range(len(self.manifest.parts))

    def read_part(self, part: int, columns: Sequence[str] | None = None) -> pa.Table:
        """The living rows of one part, in key order."""
        files = self.manifest.parts[part].files
        return pa.concat_tables([read_parquet(self.store, f"{self.path}/{file.path}", columns) for file in files])

    def tables(self, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """The living rows part by part."""
        return (self.read_part(part, columns) for part in self.parts)

    def read(self, columns: Sequence[str] | None = None) -> pa.Table:
        """All living rows. For datasets that fit into memory: vocabularies, counts, track tables."""
        return pa.concat_tables(list(self.tables(columns)))

    def dead(self) -> pa.Table:
        """All dead rows (schemas.DEAD)."""
        files = [record.dead for record in self.manifest.parts if record.dead is not None]
        tables = [read_parquet(self.store, f"{self.path}/{file.path}") for file in files]
        return pa.concat_tables([DEAD.empty_table(), *tables])


def open_dataset(root: Store, path: str) -> Dataset | None:
    """The finished dataset in a folder below the root, None when it has no manifest. Raises UserError when the manifest was edited."""
    where = f"{path}/{MANIFEST_NAME}"
    try:
        data = root.get(where)
    except FileNotFoundError:
        return None
    manifest = parse_manifest(data, root.describe(where))
    dataset = Dataset(root, manifest)
    if dataset.path != path:
        raise UserError(f"{root.describe(where)} belongs to {dataset.path}: it was copied from there. Delete it.")
    return dataset


def list_datasets(root: Store, stage: str | None = None) -> list[Dataset]:
    """Every finished dataset below a root, oldest manifest first. Raises UserError when a manifest was edited."""
    datasets = []
    for folder in [stage] if stage else root.folders():
        for fingerprint in root.folders(folder):
            path = f"{folder}/{fingerprint}"
            written = root.head(f"{path}/{MANIFEST_NAME}")
            dataset = open_dataset(root, path) if written else None
            if written and dataset:
                datasets.append((written.modified, path, dataset))
    return [dataset for _, _, dataset in sorted(datasets, key=lambda item: item[:2])]


@dataclass(frozen=True)
class Damage:
    """One file that differs from its manifest. path: below the root."""

    part: int
    path: str
    what: str


def find_damage(dataset: Dataset, level: CheckLevel, threads: int = 4, shared: bool = False) -> list[Damage]:
    """Files that are missing, of another size, or (level "hash") of other content, in part order.

    shared: whether to check also the files that it shares with other datasets.
    """
    listed = {entry.path: entry.bytes for entry in dataset.store.entries(dataset.path)}

    def check(item: tuple[int, str, PartFile]) -> Damage | None:
        part, path, file = item
        size = listed.get(path) if path.startswith(f"{dataset.path}/") else _size(dataset.store, path)
        what = _wrong(dataset.store, path, file, size, level)
        return Damage(part, path, what) if what else None

    files = [(record.part, f"{dataset.path}/{file.path}", file) for record in dataset.manifest.parts for file in record.all_files()]
    if shared:
        files += [(record.part, file.path, file) for record in dataset.manifest.parts for file in record.shared]
    with ThreadPoolExecutor(threads) as pool:
        return [damage for damage in pool.map(check, files) if damage is not None]


def wrong_content(store: Store, path: str, file: PartFile) -> str | None:
    """What is wrong with a file, None where it is what `file` says, hash included."""
    return _wrong(store, path, file, _size(store, path), "hash")


def _wrong(store: Store, path: str, file: PartFile, size: int | None, level: CheckLevel) -> str | None:
    if size is None:
        return "is missing"
    if size != file.bytes:
        return f"has {size} bytes instead of {file.bytes}"
    if level == "hash" and object_hash(store, path) != file.sha256:
        return "has another content (sha256 differs)"
    return None


def _size(store: Store, path: str) -> int | None:
    entry = store.head(path)
    return entry.bytes if entry else None
