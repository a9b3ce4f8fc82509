"""Reads the audio of shard rows. Rows refer to it; those of joined files, and of shards from before audio had its own files, hold it."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa

from noise2music.labeling.datasets.audio_files import AudioFiles
from noise2music.labeling.schemas import JOINED

REFERENCE = ("audio_file", "audio_row")
INLINE = ("audio",)


def audio_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Which of a shard's columns lead to its audio."""
    return INLINE if "audio" in names else REFERENCE


def audio_of_row(row: dict[str, Any], files: AudioFiles) -> bytes:
    """The FLAC bytes of a row that has its `audio_columns`. Raises UserError where a file is missing or damaged."""
    flac: bytes = row["audio"]["bytes"] if "audio" in row else files.read(row["audio_file"], row["audio_row"])
    return flac


def with_audio(table: pa.Table, files: AudioFiles) -> pa.Table:
    """Rows that refer to their audio (schemas.SHARD) -> rows that hold it (schemas.JOINED). Rows that already hold it are returned
    unchanged.
    """
    if "audio" in table.column_names:
        return table
    references = table.select(["clip_id", *REFERENCE]).to_pylist()
    audio = [{"bytes": files.read(row["audio_file"], row["audio_row"]), "path": f"{row['clip_id']}.flac"} for row in references]
    return table.drop_columns(list(REFERENCE)).append_column(JOINED.field("audio"), pa.array(audio, JOINED.field("audio").type))
