"""Exports the current set: as tar files of WebDataset, or as a folder of Hugging Face `datasets` with a card.

A hidden manifest in the folder lists the finished files. The same command makes only what is missing or changed.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal, get_args

import pyarrow as pa
import pyarrow.compute as pc

from noise2music.core.errors import UserError
from noise2music.core.ids import stable_id
from noise2music.core.storage import Store, open_store
from noise2music.labeling.datasets.audio_files import AudioFiles, with_audio
from noise2music.labeling.datasets.current import open_current
from noise2music.labeling.datasets.dataset import Dataset, wrong_content
from noise2music.labeling.datasets.dataset_card import dataset_card
from noise2music.labeling.datasets.fingerprint import canonical_json
from noise2music.labeling.datasets.join import JOINED_MANIFEST, ROW_GROUP_ROWS, joined_bytes
from noise2music.labeling.datasets.manifest import Manifest, PartFile, PartRecord, parse_manifest
from noise2music.labeling.datasets.summary import shard_tables, summarize
from noise2music.labeling.datasets.webdataset import tar_bytes
from noise2music.labeling.schemas import JOINED

Format = Literal["webdataset", "hf"]
STAGE = "export"
CARD = "README.md"
_VERSION = 1


@dataclass(frozen=True)
class Exported:
    """The content of the folder. written: how many of its files this call wrote."""

    clips: int
    files: int
    bytes: int
    written: int


@dataclass(frozen=True)
class _File:
    """A file of the export: it takes the next `rows` clips of its split, in key order."""

    path: str
    split: str
    rows: int


def export(root: str, out: str, to: Format, target_mb: float = 256.0) -> Exported:
    """Write the current set of a root into the folder or URI `out`, in files of about `target_mb` MiB, split by split.

    Raises UserError where there are no labels, or where `out` holds anything but an export of the same set.
    """
    if to not in get_args(Format):
        raise UserError(f"there is no export to {to!r}. Choose {' or '.join(get_args(Format))}.")
    shards = open_current(root)
    identity = {"shards": shards.digest, "to": to, "target_mb": target_mb, "version": _VERSION}
    store = open_store(out)
    done = _done(store, identity)
    files = AudioFiles(shards.store)
    written = 0
    try:
        summaries = summarize(shards, files)
        if not summaries:
            raise UserError(f"{root} has no labelled clip: there is nothing to export.")
        names = file_names(summaries)
        sizes = {split: summary.sizes for split, summary in summaries.items()}
        plan = [file for split in sizes for file in _plan(names[split], split, sizes[split], to, target_mb * 2**20)]
        whole = {path for path, file in done.items() if wrong_content(store, path, file) is None}
        _note(store, identity, shards, done)
        for file, table in _tables(shards, files, [file for file in plan if file.path not in whole], plan):
            data = tar_bytes(table) if to == "webdataset" else joined_bytes(table)
            store.put_changed(file.path, data)
            done[file.path] = PartFile.of(file.path, data, len(table))
            _note(store, identity, shards, done)
            written += 1
    finally:
        files.close()
    if to == "hf":  # A card that somebody went on writing stays.
        written += store.create(CARD, dataset_card(shards.manifest.config, shards.digest, summaries, names).encode())
    return Exported(sum(file.rows for file in done.values()), len(plan), sum(file.bytes for file in done.values()), written)


def file_names(splits: Mapping[str, Any]) -> dict[str, str]:
    """Split -> its unique name in file names, of letters a-z, digits and underscores: `datasets` allows few other names."""
    names: dict[str, str] = {}
    for split in sorted(splits, key=lambda name: (re.fullmatch(r"[a-z0-9_]+", name) is None, name)):
        plain = re.sub(r"[^a-z0-9_]+", "_", split.lower())[:60].strip("_") or "split"
        plain = f"{plain}_clips" if plain == "all" else plain  # `datasets` means every split by "all".
        name, number = plain, 2
        while name in names.values():
            name, number = f"{plain}_{number}", number + 1
        names[split] = name
    return names


def _plan(name: str, split: str, sizes: Sequence[int], to: Format, most: float) -> list[_File]:
    """Which clips go into which file: as many as come to about `most` bytes, at least one."""
    rows, size = [0], 0.0
    for clip in sizes:
        if rows[-1] and size + clip > most:
            rows.append(0)
            size = 0
        rows[-1] += 1
        size += clip
    paths = [f"{name}-{i:06d}.tar" if to == "webdataset" else f"data/{name}-{i:05d}-of-{len(rows):05d}.parquet" for i in range(len(rows))]
    return [_File(path, split, number) for path, number in zip(paths, rows, strict=True)]


def _tables(shards: Dataset, files: AudioFiles, missing: Sequence[_File], plan: Sequence[_File]) -> Iterator[tuple[_File, pa.Table]]:
    """The missing files of the plan, each with its rows (schemas.JOINED). Reads only the audio that they need."""
    missing_files = set(missing)
    for split in dict.fromkeys(file.split for file in missing):
        rows = _slices(shards, split)
        waiting = next(rows, None)
        for file in (file for file in plan if file.split == split):
            tables: list[pa.Table] = []
            rest = file.rows
            while rest and waiting is not None:
                few = waiting.slice(0, rest)
                rest -= len(few)
                if file in missing_files:
                    tables.append(with_audio(few, files).select(JOINED.names))
                waiting = waiting.slice(len(few)) if len(few) < len(waiting) else next(rows, None)
            if file in missing_files:
                yield file, pa.concat_tables(tables)


def _slices(shards: Dataset, split: str) -> Iterator[pa.Table]:
    """The rows of a split, a few at a time."""
    for table in shard_tables(shards):
        rows_of_split = table.filter(pc.equal(table.column("split"), split))
        yield from (rows_of_split.slice(start, ROW_GROUP_ROWS) for start in range(0, len(rows_of_split), ROW_GROUP_ROWS))


def _fingerprint(identity: Mapping[str, Any]) -> str:
    return stable_id(STAGE, canonical_json(identity))


def _done(store: Store, identity: Mapping[str, Any]) -> dict[str, PartFile]:
    """The files that the folder's manifest lists, by path. Raises UserError where the folder holds something else."""
    try:
        manifest = parse_manifest(store.get(JOINED_MANIFEST), store.describe(JOINED_MANIFEST))
    except FileNotFoundError:
        strange = next(iter(sorted(entry.path for entry in store.entries())), None)
        if strange is not None:
            raise UserError(f"{store.uri} holds {strange} already. Give an empty folder, so that it holds each clip once.") from None
        return {}
    except UserError as error:
        raise UserError(f"{store.describe(JOINED_MANIFEST)} is damaged. Delete the whole folder, or give an empty one.") from error
    if manifest.stage != STAGE or manifest.fingerprint != _fingerprint(identity):
        raise UserError(f"{store.uri} holds another set already. Give an empty folder, so that it holds each clip once.")
    return {file.path: file for record in manifest.parts for file in record.files}


def _note(store: Store, identity: Mapping[str, Any], shards: Dataset, done: Mapping[str, PartFile]) -> None:
    """Write the folder's manifest: which set it is of, and which files are finished."""
    manifest = Manifest(
        stage=STAGE,
        name=str(identity["to"]),
        fingerprint=_fingerprint(identity),
        row_identity=_fingerprint(identity),
        identity=dict(identity),
        parents={"shard": shards.digest},
        parts=tuple(PartRecord(part=number, files=(done[path],)) for number, path in enumerate(sorted(done))),
        config={},
        software=f"noise2music {version('noise2music')}",
    )
    store.put_changed(JOINED_MANIFEST, manifest.to_bytes())
