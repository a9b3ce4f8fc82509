"""Stage "probe": the files of a part -> format, rate, channels, duration, content hash, and their tags."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, BinaryIO

import pyarrow as pa

from noise2music.core.audio.file_tags import read_tags
from noise2music.core.audio.open_reader import open_reader
from noise2music.core.errors import RowError
from noise2music.core.tables.fields import clean_field, split_tags
from noise2music.labeling.corpus.files import content_hash, open_audio
from noise2music.labeling.datasets.parts import PartContext
from noise2music.labeling.datasets.reuse import CarryOver
from noise2music.labeling.schemas import PROBE

# What a file is, by what can be read of it, and what the tags inside it say.


def probe_file(file: BinaryIO, key: str, bytes: int, sha256: str) -> dict[str, Any]:
    """A seekable file -> its row of schemas.PROBE, without track_id and content, which its place in the corpus decides.

    duration_ms is measured by walking or decoding. claimed_ms is the header's where that differs by more than 50 ms, else the same. Tags
    are bounded (core.tables.fields). tag_notes lists tags in an undeclared encoding. Raises RowError: "empty_file", "not_audio",
    "unreadable", "ambiguous_audio", "no_samples", "unsupported_rate", "unsupported_channels".
    """
    if bytes == 0:
        raise RowError("empty_file", "the file holds no bytes")
    reader = open_reader(file)
    if reader.frames <= 0:
        raise RowError("no_samples", f"the {reader.format} file holds no samples")
    tags = read_tags(file, reader.format)
    return {
        "key": key,
        "bytes": bytes,
        "sha256": sha256,
        "format": reader.format,
        "sample_rate": reader.rate,
        "channels": reader.channels,
        "duration_ms": reader.frames * 1000 // reader.rate,
        "claimed_ms": reader.claimed * 1000 // reader.rate,
        "tag_title": _first(tags.texts["title"]),
        "tag_artist": _first(tags.texts["artist"]),
        "tag_licence": _first(tags.texts["licence"]),
        "tag_genres": list(split_tags(tags.texts["genres"])),
        "tag_notes": [note for note in map(clean_field, tags.notes) if note],
    }


def probe_warnings(row: Mapping[str, Any]) -> list[tuple[str, str]]:
    """A row of schemas.PROBE -> (reason, message) of what is not as declared: "length_differs", "tag_encoding"."""
    warnings = []
    if row["claimed_ms"] != row["duration_ms"]:
        measured, claimed = row["duration_ms"] / 1000, row["claimed_ms"] / 1000
        warnings.append(("length_differs", f"its header claims {claimed:.3f} s, {measured:.3f} s were found and are used"))
    return warnings + [("tag_encoding", note) for note in row["tag_notes"]]


def _first(texts: Iterable[str]) -> str | None:
    return next((cleaned for text in texts if (cleaned := clean_field(text))), None)


VERSION = 2
CARRY_COLUMNS = ("track_id", "content")


def probe_part(context: PartContext, files: pa.Table, audio: str, carry: CarryOver) -> Iterator[pa.Table]:
    """Files of one part (schemas.INVENTORY) -> one table of schemas.PROBE in key order (track id). `audio` is the corpus."""
    rows = files.select(["track_id", "key", "bytes", "content"]).to_pylist()
    earlier = carry.take([(row["track_id"], row["content"]) for row in rows])
    context.count("carried", len(earlier))
    tables = []
    for row in sorted(rows, key=lambda row: str(row["track_id"])):
        context.advance()
        earlier_row = earlier.get((row["track_id"], row["content"]))
        try:
            table = earlier_row if earlier_row is not None else pa.Table.from_pylist([_probe(audio, row)], PROBE)
        except RowError as error:
            context.reject(row["key"], error)
            continue
        tables.append(table)
        for reason, message in probe_warnings(table.to_pylist()[0]):
            context.warn(reason, row["key"], message)
    if tables:
        yield pa.concat_tables(tables)


def _probe(audio: str, row: Mapping[str, Any]) -> dict[str, Any]:
    with open_audio(audio, row["key"]) as file:
        sha256 = row["content"] if not row["content"].startswith("etag:") else content_hash(file)
        file.seek(0)
        probed = probe_file(file, row["key"], row["bytes"], sha256)
    return {**probed, "track_id": row["track_id"], "key": row["key"], "content": row["content"]}
