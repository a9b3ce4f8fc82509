"""Tar files as WebDataset reads them: of each clip `{clip_id}.flac` and `{clip_id}.json`, side by side."""

import io
import json
import tarfile
from typing import Any

import pyarrow as pa

_MODE = 0o644


def tar_bytes(table: pa.Table) -> bytes:
    """Rows of schemas.JOINED -> a tar file, in their order. The same rows give the same bytes: no time, owner or host is in it."""
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
