"""Writes the current set as self-contained Parquet files with the audio inside.

Such a folder opens with pandas, pyarrow and `datasets` (where `audio` is an Audio column), and training reads it like a root.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.core.storage import Store, is_remote, local_path, open_store
from noise2music.labeling.datasets.audio_files import AudioFiles, with_audio
from noise2music.labeling.datasets.current import open_current
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import canonical_json
from noise2music.labeling.datasets.manifest import Manifest, PartFile, PartRecord, parse_manifest
from noise2music.labeling.datasets.parts import parquet_bytes, part_name, read_parquet
from noise2music.labeling.schemas import JOINED

STAGE = "join"
JOINED_MANIFEST = ".manifest.json"
"""Hidden, for `load_dataset("parquet", data_dir=...)` takes every other file of a folder for Parquet."""
ROW_GROUP_ROWS = 16
_TYPES = {pa.string(): "string", pa.int64(): "int64", pa.int32(): "int32", pa.int16(): "int16", pa.float32(): "float32"}


def join(root: str, out: str, splits: Collection[str] | None = None, target_mb: float = 256.0) -> Dataset:
    """Write the current set of a root into the folder or URI `out`, in files of about `target_mb` MiB, schemas.JOINED, in key order.

    splits: only these; None is all. Existing files of the same set stay. Raises UserError where `out` holds anything else.
    """
    shards = open_current(root)
    identity = {"shards": shards.digest, "splits": sorted(splits) if splits is not None else None, "target_mb": target_mb}
    fingerprint = stable_id(STAGE, canonical_json(identity))
    store = open_store(out)
    existing = check_free(store, fingerprint)
    if existing is not None:
        return existing
    files, records = AudioFiles(shards.store), []
    try:
        for part in shards.parts:
            tables = _tables(shards, part, files, splits, target_mb * 2**20)
            written = [
                write_joined(store, f"{part_name(part, len(shards.parts))}{suffix(number)}", table) for number, table in enumerate(tables)
            ]
            records.append(PartRecord(part=part, files=tuple(written)))
    finally:
        files.close()
    manifest = joined_manifest(fingerprint, identity, {"shard": shards.digest}, records)
    if not manifest.rows:
        raise UserError(f"{root} has no clip of the split {', '.join(sorted(splits or ()))}: nothing was joined.")
    store.put(JOINED_MANIFEST, manifest.to_bytes())
    return opened_joined(out, manifest)


def joined_manifest(fingerprint: str, identity: Mapping[str, Any], parents: Mapping[str, str], records: Sequence[PartRecord]) -> Manifest:
    """The manifest of files of schemas.JOINED, wherever their rows come from."""
    return Manifest(
        stage=STAGE,
        name="",
        fingerprint=fingerprint,
        row_identity=fingerprint,
        identity=dict(identity),
        parents=dict(parents),
        parts=tuple(records),
        config={},
        software=f"noise2music {version('noise2music')}",
    )


def open_joined(store: Store) -> Dataset | None:
    """The joined files of a folder, None where there are none. Raises UserError where their manifest was edited."""
    try:
        data = store.get(JOINED_MANIFEST)
    except FileNotFoundError:
        return None
    manifest = parse_manifest(data, store.describe(JOINED_MANIFEST))
    return opened_joined(store.uri, manifest) if manifest.stage == STAGE else None


def huggingface_features(schema: pa.Schema) -> str:
    """What `datasets` reads of a Parquet file's columns: that `audio` is audio."""
    features = {field.name: _feature(field.type) for field in schema} | {"audio": {"_type": "Audio"}}
    return json.dumps({"info": {"features": features}}, sort_keys=True)


def _feature(kind: pa.DataType) -> object:
    if pa.types.is_list(kind):
        return [_feature(kind.value_type)]
    if pa.types.is_struct(kind):
        return {field.name: _feature(field.type) for field in kind}
    return {"_type": "Value", "dtype": _TYPES.get(kind, str(kind))}


def _tables(shards: Dataset, part: int, files: AudioFiles, splits: Collection[str] | None, most: float) -> Iterator[pa.Table]:
    """The rows of a part with their audio, in tables of about `most` bytes."""
    waiting: list[pa.Table] = []
    size = 0
    for file in shards.manifest.parts[part].files:
        table = read_parquet(shards.store, f"{shards.path}/{file.path}")
        rows = table if splits is None else table.filter(pc.is_in(table.column("split"), pa.array(sorted(splits), pa.string())))
        for start in range(0, len(rows), ROW_GROUP_ROWS):
            waiting.append(with_audio(rows.slice(start, ROW_GROUP_ROWS), files).select(JOINED.names))
            size += waiting[-1].nbytes
            if size >= most:
                yield pa.concat_tables(waiting)
                waiting, size = [], 0
    if waiting:
        yield pa.concat_tables(waiting)


def joined_bytes(table: pa.Table) -> bytes:
    """Rows of schemas.JOINED as a Parquet file that needs nothing else."""
    return parquet_bytes(table, JOINED, ROW_GROUP_ROWS, {"huggingface": huggingface_features(JOINED)})


def write_joined(store: Store, name: str, table: pa.Table) -> PartFile:
    """Write rows of schemas.JOINED as NAME.parquet, unless it is there already. Raises UserError."""
    data = joined_bytes(table)
    store.put_changed(f"{name}.parquet", data)
    return PartFile.of(f"{name}.parquet", data, len(table))


def suffix(number: int) -> str:
    """What the name of a part's file ends in: nothing for the first."""
    return f".{number:03d}" if number else ""


def check_free(store: Store, fingerprint: str) -> Dataset | None:
    """The same set, where it is already complete in the store. Raises UserError where the store holds another set or other files."""
    existing = open_joined(store)
    if existing is not None and existing.fingerprint == fingerprint:
        listed = {entry.path: entry.bytes for entry in store.entries()}
        files = [file for record in existing.manifest.parts for file in record.files]
        return existing if all(listed.get(file.path) == file.bytes for file in files) else None
    strange = sorted(entry.path for entry in store.entries() if not _is_ours(entry.path))
    if existing is not None or strange:
        what = "another set" if existing is not None else strange[0]
        raise UserError(f"{store.uri} holds {what} already. Give an empty folder, so that it holds each clip once.")
    return None


def _is_ours(path: str) -> bool:
    """Whether a killed join may have left it."""
    return "/" not in path and path.startswith("part-") and path.endswith(".parquet")


def opened_joined(out: str, manifest: Manifest) -> Dataset:
    """The joined files of a folder, by their manifest."""
    whole = out.rstrip("/") if is_remote(out) else str(local_path(out).resolve())
    parent, name = whole.rsplit("/", 1)
    return Dataset(open_store(parent or "/"), manifest, folder=name)
