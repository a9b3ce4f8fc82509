"""What a file is, by what can be read of it, and what the tags inside it say."""

from collections.abc import Iterable, Mapping
from typing import Any, BinaryIO

from labeling.errors import RowError
from labeling.fields import clean_field, split_tags
from labeling.file_tags import read_tags
from labeling.open_reader import open_reader


def probe_file(file: BinaryIO, key: str, bytes: int, sha256: str) -> dict[str, Any]:
    """A seekable file -> its row of schemas.PROBE, without the ids that its place in the corpus gives it (track_id, content).

    duration_ms is what was found by walking or decoding; claimed_ms is what the header says where that differs by more than 50 ms, else
    the same. Tags are bounded (labeling.fields); tag_notes says which of them were in an encoding that nothing declares.
    Raises RowError: "empty_file", "not_audio", "unreadable", "ambiguous_audio", "no_samples", "unsupported_rate", "unsupported_channels".
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
    said = []
    if row["claimed_ms"] != row["duration_ms"]:
        found, claimed = row["duration_ms"] / 1000, row["claimed_ms"] / 1000
        said.append(("length_differs", f"its header claims {claimed:.3f} s, {found:.3f} s were found and are used"))
    return said + [("tag_encoding", note) for note in row["tag_notes"]]


def _first(texts: Iterable[str]) -> str | None:
    return next((cleaned for text in texts if (cleaned := clean_field(text))), None)
