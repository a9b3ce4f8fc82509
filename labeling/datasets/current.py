"""The current set of a root: the shards of its latest finished run.

`read_labels` reads it with or without audio. `{root}/current` is the same set as a folder of Parquet files for other tools (pandas,
pyarrow, datasets): each clip once, no older version, no statistics. On a disk it is a link to a folder below `views/`, replaced atomically.
In an object store the new files are written before the old ones are deleted, so a listing in between has both.
"""

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

import pyarrow as pa

from noise2music.core.errors import UserError
from noise2music.core.storage import Store, is_remote, local_path, open_existing
from noise2music.labeling.datasets.audio_files import REFERENCE, AudioFiles, with_audio
from noise2music.labeling.datasets.dataset import LATEST, CheckLevel, Dataset, latest_paths, open_dataset
from noise2music.labeling.datasets.parts import read_parquet
from noise2music.labeling.schemas import JOINED, SHARD

CURRENT = "current"
VIEWS = "views"


def open_current(root: str | Store) -> Dataset:
    """The shard dataset of the latest finished run. Raises UserError where there is none."""
    store = open_existing(root) if isinstance(root, str) else root
    path = latest_paths(store).get("shard")
    dataset = open_dataset(store, path) if isinstance(path, str) else None
    if dataset is None:
        raise UserError(f"{store.uri} names no shards that are there. Run `n2m label` on it again.")
    return dataset


def read_labels(root: str, columns: Sequence[str] | None = None, audio: bool = False) -> pa.Table:
    """The current set: one row a labelled clip, in key order (schemas.SHARD; with `audio`, schemas.JOINED). Raises UserError.

    columns: only these; "audio" among them includes the audio. Without audio it takes about 1 KB of memory a clip. `label_tables` reads
    sets that do not fit into memory.
    """
    return pa.concat_tables(label_tables(root, columns, audio))


def label_tables(root: str, columns: Sequence[str] | None = None, audio: bool = False) -> Iterator[pa.Table]:
    """The same, file by file."""
    if unknown := sorted(set(columns or ()) - {*SHARD.names, *JOINED.names}):
        raise UserError(f"shards have no column {', '.join(unknown)}; they have {', '.join(SHARD.names)}, and audio.")
    dataset = open_current(root)
    wants_audio = audio or (columns is not None and "audio" in columns)
    files = AudioFiles(dataset.store)
    try:
        for record in dataset.manifest.parts:
            for file in record.files:
                table = read_parquet(dataset.store, f"{dataset.path}/{file.path}", _read(columns, wants_audio))
                if not wants_audio:
                    yield table.drop_columns(["audio"]) if columns is None and "audio" in table.column_names else table
                else:
                    whole = with_audio(table, files)
                    yield whole if columns is None else whole.select(list(columns))
    finally:
        files.close()


def _read(columns: Sequence[str] | None, audio: bool) -> list[str] | None:
    """The columns to read: for "audio" those that refer to it. A column that a file lacks is not read."""
    if columns is None:
        return None
    plain = [name for name in columns if name != "audio"]
    return [*plain, *(name for name in ("clip_id", *REFERENCE, "audio") if audio and name not in plain)]


def write_current(root: Store, shards: Dataset) -> None:
    """Make `current` the set of these shards, unless it already is. Raises UserError when it cannot be written."""
    expected = current_names(shards)
    if not current_findings(root, shards, "size"):
        return
    if not is_remote(root.uri) and _switch_link(root, shards, expected):
        return
    for name, path in expected.items():
        root.put(f"{CURRENT}/{name}", root.get(path))
    for entry in list(root.entries(CURRENT)):
        if entry.path.removeprefix(f"{CURRENT}/") not in expected:
            root.delete(entry.path)


def current_names(shards: Dataset) -> dict[str, str]:
    """Names of the files in `current`, each with the path of the shard file that it copies. No other set has one of these names."""
    files = (file for record in shards.manifest.parts for file in record.files)
    return {f"{shards.fingerprint}-{file.path}": f"{shards.path}/{file.path}" for file in files}


def current_findings(root: Store, shards: Dataset, level: CheckLevel = "hash") -> list[tuple[str, str]]:
    """Paths below `current` that differ from the current set, and what is wrong with each; empty where all is well.

    level: "size" does not read the files; their names identify the set.
    """
    expected = {f"{CURRENT}/{shards.fingerprint}-{file.path}": file for record in shards.manifest.parts for file in record.files}
    actual = {entry.path: entry.bytes for entry in root.entries(CURRENT)}
    wrong = [
        (path, f"is not of the set that {LATEST} names: a reader of the folder takes old labels")
        for path in actual.keys() - expected.keys()
    ]
    wrong += [(path, "is missing: a reader of the folder lacks clips") for path in expected.keys() - actual.keys()]
    for path in actual.keys() & expected.keys():
        if actual[path] != expected[path].bytes or (
            level == "hash" and hashlib.sha256(root.get(path)).hexdigest() != expected[path].sha256
        ):
            wrong.append((path, f"is not the same as {shards.path}/{expected[path].path}"))
    return sorted(wrong)


def _switch_link(root: Store, shards: Dataset, expected: dict[str, str]) -> bool:
    """Fill a folder with the new set, then point the link to it, so a reader gets either the old set or the new one.

    The previous set stays until the next switch, for readers that have it open. False where the disk has no links, or `current` is a
    folder.
    """
    base = local_path(root.uri).absolute()
    link, name = base / CURRENT, f"{VIEWS}/{shards.fingerprint}"
    if link.exists() and not link.is_symlink():
        return False
    before = os.readlink(link) if link.is_symlink() else ""
    for file, path in expected.items():
        root.put_changed(f"{name}/{file}", root.get(path))
    for entry in list(root.entries(name)):
        if entry.path.removeprefix(f"{name}/") not in expected:
            root.delete(entry.path)
    aside = base / f".{CURRENT}.{os.getpid()}"
    try:
        with suppress(FileNotFoundError):
            aside.unlink()
        aside.symlink_to(name, target_is_directory=True)
        os.replace(aside, link)
    except (OSError, NotImplementedError):
        return False
    for view in root.folders(VIEWS):
        if f"{VIEWS}/{view}" not in (name, before):
            _remove_folder(base / VIEWS / view)
    return True


def _remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
