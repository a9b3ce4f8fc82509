"""The manifest over all clips of a place, one row a clip, sorted by key: lines of JSON for people, Parquet for tables."""

from collections.abc import Sequence

import pyarrow as pa

from noise2music.core.storage import Store
from noise2music.labeling.datasets.parts import parquet_bytes
from noise2music.models.job.output_store import MANIFEST, MANIFEST_TABLE
from noise2music.models.job.record import ClipRecord

_STAGE = pa.struct(
    [
        pa.field("stage", pa.string()),
        pa.field("weights", pa.string()),
        pa.field("sampler", pa.string()),
        pa.field("steps", pa.int32()),
        pa.field("guidance", pa.float64()),
    ]
)
_CANDIDATE = pa.struct(
    [pa.field("sample", pa.int32()), pa.field("score", pa.float64()), pa.field("kept", pa.bool_()), pa.field("failed", pa.string())]
)
_NEIGHBOURS = pa.struct(
    [
        pa.field("nearest", pa.string()),
        pa.field("cosine", pa.float64()),
        pa.field("matching", pa.string()),
        pa.field("share", pa.float64()),
        pa.field("flagged", pa.bool_()),
    ]
)
SCHEMA = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("request", pa.string(), nullable=False),
        pa.field("prompt", pa.string(), nullable=False),
        pa.field("negative", pa.string()),
        pa.field("seed", pa.int64(), nullable=False),
        pa.field("sample", pa.int32(), nullable=False),
        pa.field("seconds", pa.float64(), nullable=False),
        pa.field("init", pa.string()),
        pa.field("init_sha256", pa.string()),
        pa.field("keep", pa.list_(pa.list_(pa.float64()))),
        pa.field("audio", pa.string()),
        pa.field("spectrogram", pa.string()),
        pa.field("picture", pa.string(), nullable=False),
        pa.field("sha256", pa.string(), nullable=False),
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("rate", pa.int32(), nullable=False),
        pa.field("duration", pa.float64(), nullable=False),
        pa.field("rms_dbfs", pa.float64()),
        pa.field("peak", pa.float64()),
        pa.field("stages", pa.list_(_STAGE)),
        pa.field("calls", pa.int64(), nullable=False),
        pa.field("cut_tokens", pa.int32(), nullable=False),
        pa.field("warnings", pa.list_(pa.string())),
        pa.field("score", pa.float64()),
        pa.field("candidates", pa.list_(_CANDIDATE)),
        pa.field("duplicates", _NEIGHBOURS),
        pa.field("software", pa.string(), nullable=False),
        pa.field("seconds_spent", pa.float64(), nullable=False),
    ]
)


def write_manifest(store: Store, records: Sequence[ClipRecord]) -> bool:
    """Write the manifest unless it is there already, the lines of JSON last. Gives whether anything was written."""
    lines = "".join(f"{record.line()}\n" for record in records).encode()
    table = pa.Table.from_pylist([record.model_dump(mode="json") for record in records], SCHEMA)
    written = [store.put_changed(MANIFEST_TABLE, parquet_bytes(table, SCHEMA)), store.put_changed(MANIFEST, lines)]
    return any(written)
