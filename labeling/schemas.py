"""The Arrow schema of every table. Rows are in key order; times are milliseconds; scores are cosines.

Every file carries the version of its table: SCHEMA_VERSION, or the one that a schema names since its columns changed. Raise that, and the
VERSION of the stage that writes it, when a column changes; the other tables stay as they are, byte for byte.
"""

from collections.abc import Collection

import pyarrow as pa

SCHEMA_VERSION = 2
VERSION_KEY = "noise2music.schema"
_THIRD = {VERSION_KEY: "3"}


def fields(nullable: Collection[str] = (), **types: pa.DataType) -> list[pa.Field]:
    """Columns by name in their order; those of `nullable` may be null."""
    return [pa.field(name, kind, name in nullable) for name, kind in types.items()]


_TEXT, _TEXTS = pa.string(), pa.list_(pa.string())
_I16, _I32, _I64, _F32, _F64 = pa.int16(), pa.int32(), pa.int64(), pa.float32(), pa.float64()

_FACTS = fields(("tempo", "musical_key"), tags=_TEXTS, instruments=_TEXTS, tempo=_F64, musical_key=_TEXT)
_NAMES = fields(("title", "artist", "licence"), title=_TEXT, artist=_TEXT, licence=_TEXT)
_SOUND = fields(format=_TEXT, sample_rate=_I32, channels=_I16, duration_ms=_I64)
_CUT = fields(clip_id=_TEXT, track_id=_TEXT, sha256=_TEXT, start_ms=_I64, length_ms=_I64)
_AUDIO_POSITION = fields(audio_file=_TEXT, audio_row=_I32)

INVENTORY = pa.schema(
    [
        *fields(track_id=_TEXT, key=_TEXT, bytes=_I64, content=_TEXT, described=pa.bool_()),
        *_NAMES,
        *fields(("split",), split=_TEXT),
        *_FACTS,
    ]
)

PROBE = pa.schema(
    [
        *fields(track_id=_TEXT, key=_TEXT, content=_TEXT, bytes=_I64, sha256=_TEXT),
        *_SOUND,
        *fields(claimed_ms=_I64),
        *fields(("tag_title", "tag_artist", "tag_licence"), tag_title=_TEXT, tag_artist=_TEXT, tag_licence=_TEXT),
        *fields(tag_genres=_TEXTS, tag_notes=_TEXTS),
    ],
    metadata=_THIRD,
)

FINGERPRINT = pa.schema(
    [
        *fields(track_id=_TEXT, key=_TEXT, content=_TEXT),
        *fields(("audio", "failed"), audio=_TEXT, failed=_TEXT),
        *fields(hashes=pa.list_(pa.uint32()), times=pa.list_(_I32)),
    ]
)

COPIES = pa.schema(
    fields(("nearest",), track_id=_TEXT, group=_TEXT, kind=_TEXT, same_audio=_TEXT, nearest=_TEXT, votes=_I32, offset_ms=_I64)
)

CLIP = pa.struct(fields(clip_id=_TEXT, start_ms=_I64, length_ms=_I64))

INGEST = pa.schema(
    [
        *fields(track_id=_TEXT, key=_TEXT),
        *_NAMES,
        *fields(split=_TEXT),
        *_FACTS,
        *fields(bytes=_I64, sha256=_TEXT),
        *_SOUND,
        *fields(("duplicate_of", "excluded"), duplicate_of=_TEXT, excluded=_TEXT, clips=pa.list_(CLIP)),
    ]
)

ODDITY = pa.struct(fields(reason=_TEXT, message=_TEXT))


def embed_schema(dim: int) -> pa.Schema:
    """Clip embeddings of `dim` dimensions, unit length before they were rounded to float16."""
    columns = fields(split=_TEXT, windows=_I16, odd=pa.list_(ODDITY), embedding=pa.list_(pa.float16(), dim))
    return pa.schema([*_CUT, *columns], metadata=_THIRD)


SONGS = pa.schema([*fields(("artist",), song_id=_TEXT, title=_TEXT, artist=_TEXT), *_FACTS])

WRITE = pa.schema(fields(("repaired",), song_id=_TEXT, sample=_I16, text=_TEXT, repaired=_TEXT, prompt_tokens=_I32, completion_tokens=_I32))

VOCABULARY = pa.schema(fields(caption_id=_TEXT, caption=_TEXT, occurrences=_I64, split=_TEXT))


def embed_text_schema(dim: int, text_dim: int) -> pa.Schema:
    """Caption embeddings in the joint space (`embedding`) and in the text tower's own space (`meaning`), both unit length."""
    vectors = {"embedding": pa.list_(pa.float16(), dim), "meaning": pa.list_(pa.float16(), text_dim)}
    return pa.schema(fields(caption_id=_TEXT, caption=_TEXT, **vectors))


RETRIEVE = pa.schema(fields(clip_id=_TEXT, split=_TEXT, captions=pa.list_(_I32), scores=pa.list_(_F32)))

NULL = pa.schema(fields(clip_id=_TEXT, caption_id=_TEXT, score=_F64))

COUNT = pa.schema(fields(caption_id=_TEXT, frequency=_I64))

LABEL = pa.struct(fields(caption_id=_TEXT, caption=_TEXT, score=_F32, rank=_I16, frequency=_I64, p=_F32))

SAMPLE = pa.schema(fields(clip_id=_TEXT, labels=pa.list_(LABEL)))

SHARD_LABEL = pa.struct([*fields(vocabulary=_TEXT), *LABEL])

FLAC = pa.schema(fields(clip_id=_TEXT, flac=pa.binary()))

AUDIO = pa.schema(
    [*_CUT, *fields(sample_rate=_I32, samples=_I64, peak=_F32, gain=_F32), *_AUDIO_POSITION, *fields(file_rows=_I32, file_bytes=_I64)]
)

_ROW = [
    *fields(clip_id=_TEXT, track_id=_TEXT, track_key=_TEXT, start_ms=_I64, length_ms=_I64),
    *_NAMES,
    *fields(split=_TEXT, tags=_TEXTS, labels=pa.list_(SHARD_LABEL), sample_rate=_I32),
]

SHARD = pa.schema([*_ROW, *_AUDIO_POSITION], metadata=_THIRD)

INLINE_SHARD = pa.schema([*_ROW, *fields(audio=pa.struct(fields(bytes=pa.binary(), path=_TEXT)))])
"""What shards were before audio had files of its own."""

JOINED = pa.schema([*_ROW, pa.field("audio", pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())]))])
"""Shards joined with their audio. `datasets` takes the column for audio only where it may be null."""

DEAD = pa.schema(fields(stage=_TEXT, key=_TEXT, reason=_TEXT, error=_TEXT, attempt=_I16))


def version_of(schema: pa.Schema) -> int:
    """The version of a table, by its schema here or in a file."""
    return int((schema.metadata or {}).get(VERSION_KEY.encode(), SCHEMA_VERSION))
