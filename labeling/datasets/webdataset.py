"""Writes tar files for WebDataset, with `{clip_id}.flac` and `{clip_id}.json` of each clip side by side, and reads them back.

Tars that are read back may have been changed. An incomplete clip is dead, alone; an incomplete tar stops everything.
"""

import io
import json
import re
import tarfile
from collections.abc import Iterator, Sequence
from typing import Annotated, Any, BinaryIO

import pyarrow as pa
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from noise2music.core.errors import RowError, UserError
from noise2music.core.ids import stable_id
from noise2music.core.storage import Store, is_remote, local_path, object_hash, open_existing, open_store
from noise2music.core.tally import Tally
from noise2music.labeling.datasets.dataset import Dataset
from noise2music.labeling.datasets.fingerprint import canonical_json
from noise2music.labeling.datasets.join import (
    JOINED_MANIFEST,
    ROW_GROUP_ROWS,
    STAGE,
    check_free,
    joined_manifest,
    opened_joined,
    suffix,
    write_joined,
)
from noise2music.labeling.datasets.manifest import PartRecord
from noise2music.labeling.datasets.parts import part_name
from noise2music.labeling.datasets.tar_members import Member, tar_members
from noise2music.labeling.schemas import JOINED

_MODE = 0o644
_NAME = re.compile(r"(?:\./)?([0-9a-f]{16})\.(flac|json)")
_MOST_BYTES = {"flac": 100 << 20, "json": 8 << 20}

_Id = Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
_Count = Annotated[int, Field(ge=0, lt=1 << 63)]


class _Label(BaseModel):
    model_config = ConfigDict(strict=True)

    vocabulary: str
    caption_id: str
    caption: str
    score: float
    rank: Annotated[int, Field(ge=0, lt=1 << 15)]
    frequency: _Count
    p: float


class _Clip(BaseModel):
    model_config = ConfigDict(strict=True)

    clip_id: _Id
    track_id: _Id
    track_key: str
    start_ms: _Count
    length_ms: _Count
    title: str | None
    artist: str | None
    licence: str | None
    split: Annotated[str, Field(min_length=1)]
    tags: list[str | None]
    labels: list[_Label]
    sample_rate: Annotated[int, Field(gt=0, lt=1 << 31)]


def tar_bytes(table: pa.Table) -> bytes:
    """Rows of schemas.JOINED -> a tar file, in their order. The same rows give the same bytes: it holds no time, owner or host."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for batch in table.to_batches(max_chunksize=1):
            row = batch.to_pylist()[0]
            _add(tar, f"{row['clip_id']}.flac", row["audio"]["bytes"])
            _add(tar, f"{row['clip_id']}.json", clip_json(row))
    return sink.getvalue()


def clip_json(row: dict[str, Any]) -> bytes:
    """All columns of a row but its audio. Numbers are written so that reading gives them back exactly."""
    texts = {name: value for name, value in row.items() if name != "audio"}
    return (json.dumps(texts, indent=1, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _add(tar: tarfile.TarFile, name: str, data: bytes) -> None:
    member = tarfile.TarInfo(name)  # Its defaults are no time, no owner and a plain file.
    member.size, member.mode = len(data), _MODE
    tar.addfile(member, io.BytesIO(data))


def import_webdataset(tars: Sequence[str], out: str, target_mb: float = 256.0) -> Dataset:
    """Write the clips of tars, and of folders of tars, into the folder or URI `out` as `join` does, in their order.

    The manifest lists losses by reason, with examples. Raises UserError where a tar is incomplete, none of its clips can be used, or `out`
    holds another set.
    """
    sources = [source for uri in tars for source in _tars(uri)]
    digests = [[name, object_hash(store, name)] for store, name in sources]
    identity = {"webdataset": digests, "target_mb": target_mb}
    fingerprint = stable_id(STAGE, canonical_json(identity))
    store = open_store(out)
    existing = check_free(store, fingerprint)
    if existing is not None:
        return existing
    clip_ids: set[str] = set()
    records = []
    for part, (source, name) in enumerate(sources):
        lost = Tally()
        with source.reader(name) as file:
            clips = _clips(file, source.describe(name), lost, clip_ids)
            prefix = part_name(part, len(sources))
            tables = enumerate(_tables(clips, target_mb * 2**20))
            written = tuple(write_joined(store, f"{prefix}{suffix(number)}", table) for number, table in tables)
        records.append(PartRecord(part=part, files=written, dead_reasons=dict(lost.lost), examples=lost.examples))
    manifest = joined_manifest(fingerprint, identity, {}, records)
    if not manifest.rows:
        reasons = "; ".join(example for few in manifest.examples.values() for example in few) or "they are empty"
        raise UserError(f"no clip of the tars can be used ({reasons}). Give tars that `n2m export --to webdataset` wrote.")
    store.put(JOINED_MANIFEST, manifest.to_bytes())
    return opened_joined(out, manifest)


def _tars(uri: str) -> list[tuple[Store, str]]:
    """The tars of a file or folder: the store of each, and its name there. Raises UserError where there are none."""
    plain = uri.rstrip("/")
    if not plain.endswith(".tar") if is_remote(uri) else local_path(uri).is_dir():
        store = open_existing(uri)
        names = sorted(entry.path for entry in store.entries() if entry.path.endswith(".tar"))
        if not names:
            raise UserError(f"there is no .tar in {uri}.")
        return [(store, name) for name in names]
    folder, _, name = (plain if is_remote(uri) else str(local_path(plain).absolute())).rpartition("/")
    store = open_existing(folder or "/")
    if store.head(name) is None:
        raise UserError(f"there is no file {uri}. Check the path; relative paths start at the working folder.")
    return [(store, name)]


def _tables(clips: Iterator[dict[str, Any]], most: float) -> Iterator[pa.Table]:
    """Rows -> tables of about `most` bytes."""
    rows: list[dict[str, Any]] = []
    waiting: list[pa.Table] = []
    size = 0
    for row in clips:
        rows.append(row)
        size += len(row["audio"]["bytes"])
        if size >= most or len(rows) == ROW_GROUP_ROWS:
            waiting.append(pa.Table.from_pylist(rows, JOINED))
            rows = []
        if size >= most:
            yield pa.concat_tables(waiting)
            waiting, size = [], 0
    if rows:
        waiting.append(pa.Table.from_pylist(rows, JOINED))
    if waiting:
        yield pa.concat_tables(waiting)


def _clips(file: BinaryIO, where: str, lost: Tally, clip_ids: set[str]) -> Iterator[dict[str, Any]]:
    """The rows of one tar (schemas.JOINED), in its order. clip_ids: ids of all clips so far; this function adds to it."""

    def leave_out(key: str, error: RowError) -> None:
        lost.lost[error.reason] += 1
        text = f"{where}, {key}: {error.message}".encode("utf-8", "backslashreplace").decode()
        lost.examples[error.reason] = (*lost.examples.get(error.reason, ()), text[:300])[:3]

    members_of: dict[str, dict[str, Member]] = {}
    for member in tar_members(file, where):
        if member.name == "." and not member.is_file:
            continue  # tar of a whole folder begins with the folder.
        try:
            clip_id, kind = _check(member)
            if kind in members_of.setdefault(clip_id, {}):
                raise RowError("second_clip", "the tar has two members of that name; the first is used")
            members_of[clip_id][kind] = member
        except RowError as error:
            leave_out(member.name, error)
    for clip_id, members in members_of.items():
        try:
            if clip_id in clip_ids:
                raise RowError("second_clip", "this clip was read before; the first is used")
            row = _row(clip_id, {kind: _read(file, member) for kind, member in members.items()})
        except RowError as error:
            leave_out(clip_id, error)
            continue
        clip_ids.add(clip_id)
        yield row


def _check(member: Member) -> tuple[str, str]:
    """The clip and the kind that a member is of. Raises RowError."""
    named = _NAME.fullmatch(member.name)
    if not member.is_file:
        raise RowError("bad_member", "it is a link, folder or device")
    if named is None:
        raise RowError("bad_member", "its name is not CLIP_ID.flac or CLIP_ID.json")
    if member.size > _MOST_BYTES[named[2]]:
        raise RowError("bad_member", f"it has {member.size:,} bytes; a {named[2]} may have {_MOST_BYTES[named[2]]:,}")
    return named[1], named[2]


def _read(file: BinaryIO, member: Member) -> bytes:
    file.seek(member.offset)
    return file.read(member.size)


def _row(clip_id: str, data: dict[str, bytes]) -> dict[str, Any]:
    """The row of a clip. Raises RowError."""
    if missing := {"flac", "json"} - data.keys():
        raise RowError("half_clip", f"there is no {clip_id}.{missing.pop()}")
    try:
        clip = _Clip.model_validate_json(data["json"])
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise RowError("bad_clip", f"its json is not that of a clip ({where}: {first['msg']})") from error
    if clip.clip_id != clip_id:
        raise RowError("bad_clip", f"its json is that of clip {clip.clip_id}")
    flac = data["flac"]
    if flac[:4] != b"fLaC" or len(flac) < 42:
        raise RowError("bad_flac", "its audio is no FLAC")
    rate = int.from_bytes(flac[18:21]) >> 4
    if rate != clip.sample_rate:
        raise RowError("bad_flac", f"its audio has {rate} Hz, its json says {clip.sample_rate}")
    return {**clip.model_dump(), "audio": {"bytes": flac, "path": f"{clip_id}.flac"}}
