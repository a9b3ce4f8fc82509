"""The Arrow schema of every table. Rows are in key order; times are milliseconds; scores are cosines.

Every file carries the version of its table: SCHEMA_VERSION, or the one that a schema names since its columns changed. Raise that, and the
VERSION of the stage that writes it, when a column changes; the other tables stay as they are, byte for byte.
"""

import pyarrow as pa

SCHEMA_VERSION = 2
VERSION_KEY = "noise2music.schema"
_THIRD = {VERSION_KEY: "3"}

INVENTORY = pa.schema(
    [
        pa.field("track_id", pa.string(), False),
        pa.field("key", pa.string(), False),
        pa.field("bytes", pa.int64(), False),
        pa.field("content", pa.string(), False),
        pa.field("described", pa.bool_(), False),
        pa.field("title", pa.string()),
        pa.field("artist", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("split", pa.string()),
        pa.field("tags", pa.list_(pa.string()), False),
        pa.field("instruments", pa.list_(pa.string()), False),
        pa.field("tempo", pa.float64()),
        pa.field("musical_key", pa.string()),
    ]
)

PROBE = pa.schema(
    [
        pa.field("track_id", pa.string(), False),
        pa.field("key", pa.string(), False),
        pa.field("content", pa.string(), False),
        pa.field("bytes", pa.int64(), False),
        pa.field("sha256", pa.string(), False),
        pa.field("format", pa.string(), False),
        pa.field("sample_rate", pa.int32(), False),
        pa.field("channels", pa.int16(), False),
        pa.field("duration_ms", pa.int64(), False),
        pa.field("claimed_ms", pa.int64(), False),
        pa.field("tag_title", pa.string()),
        pa.field("tag_artist", pa.string()),
        pa.field("tag_licence", pa.string()),
        pa.field("tag_genres", pa.list_(pa.string()), False),
        pa.field("tag_notes", pa.list_(pa.string()), False),
    ],
    metadata=_THIRD,
)

FINGERPRINT = pa.schema(
    [
        pa.field("track_id", pa.string(), False),
        pa.field("key", pa.string(), False),
        pa.field("content", pa.string(), False),
        pa.field("audio", pa.string()),
        pa.field("failed", pa.string()),
        pa.field("hashes", pa.list_(pa.uint32()), False),
        pa.field("times", pa.list_(pa.int32()), False),
    ]
)

COPIES = pa.schema(
    [
        pa.field("track_id", pa.string(), False),
        pa.field("group", pa.string(), False),
        pa.field("kind", pa.string(), False),
        pa.field("same_audio", pa.string(), False),
        pa.field("nearest", pa.string()),
        pa.field("votes", pa.int32(), False),
        pa.field("offset_ms", pa.int64(), False),
    ]
)

CLIP = pa.struct(
    [pa.field("clip_id", pa.string(), False), pa.field("start_ms", pa.int64(), False), pa.field("length_ms", pa.int64(), False)]
)

INGEST = pa.schema(
    [
        pa.field("track_id", pa.string(), False),
        pa.field("key", pa.string(), False),
        pa.field("title", pa.string()),
        pa.field("artist", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("split", pa.string(), False),
        pa.field("tags", pa.list_(pa.string()), False),
        pa.field("instruments", pa.list_(pa.string()), False),
        pa.field("tempo", pa.float64()),
        pa.field("musical_key", pa.string()),
        pa.field("bytes", pa.int64(), False),
        pa.field("sha256", pa.string(), False),
        pa.field("format", pa.string(), False),
        pa.field("sample_rate", pa.int32(), False),
        pa.field("channels", pa.int16(), False),
        pa.field("duration_ms", pa.int64(), False),
        pa.field("duplicate_of", pa.string()),
        pa.field("excluded", pa.string()),
        pa.field("clips", pa.list_(CLIP), False),
    ]
)


ODDITY = pa.struct([pa.field("reason", pa.string(), False), pa.field("message", pa.string(), False)])


def embed_schema(dim: int) -> pa.Schema:
    """Clip embeddings of `dim` dimensions, unit length before they were rounded to float16."""
    return pa.schema(
        [
            pa.field("clip_id", pa.string(), False),
            pa.field("track_id", pa.string(), False),
            pa.field("sha256", pa.string(), False),
            pa.field("start_ms", pa.int64(), False),
            pa.field("length_ms", pa.int64(), False),
            pa.field("split", pa.string(), False),
            pa.field("windows", pa.int16(), False),
            pa.field("odd", pa.list_(ODDITY), False),
            pa.field("embedding", pa.list_(pa.float16(), dim), False),
        ],
        metadata=_THIRD,
    )


SONGS = pa.schema(
    [
        pa.field("song_id", pa.string(), False),
        pa.field("title", pa.string(), False),
        pa.field("artist", pa.string()),
        pa.field("tags", pa.list_(pa.string()), False),
        pa.field("instruments", pa.list_(pa.string()), False),
        pa.field("tempo", pa.float64()),
        pa.field("musical_key", pa.string()),
    ]
)

WRITE = pa.schema(
    [
        pa.field("song_id", pa.string(), False),
        pa.field("sample", pa.int16(), False),
        pa.field("text", pa.string(), False),
        pa.field("repaired", pa.string()),
        pa.field("prompt_tokens", pa.int32(), False),
        pa.field("completion_tokens", pa.int32(), False),
    ]
)

VOCABULARY = pa.schema(
    [
        pa.field("caption_id", pa.string(), False),
        pa.field("caption", pa.string(), False),
        pa.field("occurrences", pa.int64(), False),
        pa.field("split", pa.string(), False),
    ]
)


def embed_text_schema(dim: int, text_dim: int) -> pa.Schema:
    """Caption embeddings in the joint space (`embedding`) and in the text tower's own space (`meaning`), both unit length."""
    return pa.schema(
        [
            pa.field("caption_id", pa.string(), False),
            pa.field("caption", pa.string(), False),
            pa.field("embedding", pa.list_(pa.float16(), dim), False),
            pa.field("meaning", pa.list_(pa.float16(), text_dim), False),
        ]
    )


RETRIEVE = pa.schema(
    [
        pa.field("clip_id", pa.string(), False),
        pa.field("split", pa.string(), False),
        pa.field("captions", pa.list_(pa.int32()), False),
        pa.field("scores", pa.list_(pa.float32()), False),
    ]
)

NULL = pa.schema(
    [pa.field("clip_id", pa.string(), False), pa.field("caption_id", pa.string(), False), pa.field("score", pa.float64(), False)]
)

COUNT = pa.schema([pa.field("caption_id", pa.string(), False), pa.field("frequency", pa.int64(), False)])

LABEL = pa.struct(
    [
        pa.field("caption_id", pa.string(), False),
        pa.field("caption", pa.string(), False),
        pa.field("score", pa.float32(), False),
        pa.field("rank", pa.int16(), False),
        pa.field("frequency", pa.int64(), False),
        pa.field("p", pa.float32(), False),
    ]
)

SAMPLE = pa.schema([pa.field("clip_id", pa.string(), False), pa.field("labels", pa.list_(LABEL), False)])

SHARD_LABEL = pa.struct([pa.field("vocabulary", pa.string(), False), *LABEL])

FLAC = pa.schema([pa.field("clip_id", pa.string(), False), pa.field("flac", pa.binary(), False)])

AUDIO = pa.schema(
    [
        pa.field("clip_id", pa.string(), False),
        pa.field("track_id", pa.string(), False),
        pa.field("sha256", pa.string(), False),
        pa.field("start_ms", pa.int64(), False),
        pa.field("length_ms", pa.int64(), False),
        pa.field("sample_rate", pa.int32(), False),
        pa.field("samples", pa.int64(), False),
        pa.field("peak", pa.float32(), False),
        pa.field("gain", pa.float32(), False),
        pa.field("audio_file", pa.string(), False),
        pa.field("audio_row", pa.int32(), False),
        pa.field("file_rows", pa.int32(), False),
        pa.field("file_bytes", pa.int64(), False),
    ]
)

_TEXTS = [
    pa.field("clip_id", pa.string(), False),
    pa.field("track_id", pa.string(), False),
    pa.field("track_key", pa.string(), False),
    pa.field("start_ms", pa.int64(), False),
    pa.field("length_ms", pa.int64(), False),
    pa.field("title", pa.string()),
    pa.field("artist", pa.string()),
    pa.field("licence", pa.string()),
    pa.field("split", pa.string(), False),
    pa.field("tags", pa.list_(pa.string()), False),
    pa.field("labels", pa.list_(SHARD_LABEL), False),
    pa.field("sample_rate", pa.int32(), False),
]

SHARD = pa.schema([*_TEXTS, pa.field("audio_file", pa.string(), False), pa.field("audio_row", pa.int32(), False)], metadata=_THIRD)

INLINE_SHARD = pa.schema(
    [*_TEXTS, pa.field("audio", pa.struct([pa.field("bytes", pa.binary(), False), pa.field("path", pa.string(), False)]), False)]
)
"""What shards were before audio had files of its own."""

JOINED = pa.schema([*_TEXTS, pa.field("audio", pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())]))])
"""Shards joined with their audio. `datasets` takes the column for audio only where it may be null."""

DEAD = pa.schema(
    [
        pa.field("stage", pa.string(), False),
        pa.field("key", pa.string(), False),
        pa.field("reason", pa.string(), False),
        pa.field("error", pa.string(), False),
        pa.field("attempt", pa.int16(), False),
    ]
)


def version_of(schema: pa.Schema) -> int:
    """The version of a table, by its schema here or in a file."""
    return int((schema.metadata or {}).get(VERSION_KEY.encode(), SCHEMA_VERSION))
