"""What a file is, by its container, and what the tags inside it say."""

from collections.abc import Iterable
from typing import Any, BinaryIO, cast

import mutagen
from mutagen.id3 import ID3

from labeling.audio_reader import WatchedFile
from labeling.errors import RowError
from labeling.fields import clean_field, split_tags
from labeling.open_reader import open_reader

_ID3_FRAMES = {"title": ("TIT2",), "artist": ("TPE1",), "licence": ("WCOP", "TCOP"), "genres": ("TCON",)}
_NAMES = {"title": ("title",), "artist": ("artist",), "licence": ("license", "licence", "copyright"), "genres": ("genre",)}


def probe_file(file: BinaryIO, key: str, bytes: int, sha256: str) -> dict[str, Any]:
    """A seekable file -> its row of schemas.PROBE, without the ids that its place in the corpus gives it (track_id, content).

    The duration is what the container promises; the file may hold less (labeling.decode says so then). Tags are bounded (labeling.fields).
    Raises RowError: "empty_file", "not_audio", "unreadable", "no_samples", "unsupported_rate", "unsupported_channels".
    """
    if bytes == 0:
        raise RowError("empty_file", "the file holds no bytes")
    reader = open_reader(file)
    if reader.frames <= 0:
        raise RowError("no_samples", f"the {reader.format} file holds no samples")
    tags = _read_tags(file)
    return {
        "key": key,
        "bytes": bytes,
        "sha256": sha256,
        "format": reader.format,
        "sample_rate": reader.rate,
        "channels": reader.channels,
        "duration_ms": reader.frames * 1000 // reader.rate,
        "tag_title": _first(tags["title"]),
        "tag_artist": _first(tags["artist"]),
        "tag_licence": _first(tags["licence"]),
        "tag_genres": list(split_tags(tags["genres"])),
    }


def _first(texts: Iterable[str]) -> str | None:
    return next((cleaned for text in texts if (cleaned := clean_field(text))), None)


def _read_tags(file: BinaryIO) -> dict[str, list[str]]:
    """Texts by meaning. Tags are a courtesy of the file: whatever is wrong with them, there are none then."""
    nothing: dict[str, list[str]] = {meaning: [] for meaning in _NAMES}
    watched = WatchedFile(file)
    try:
        watched.seek(0)
        tags = getattr(mutagen.File(cast(Any, watched), easy=True), "tags", None)
        if not tags:
            return nothing
        if isinstance(tags, ID3):
            return {
                meaning: [text for name in names for frame in tags.getall(name) for text in _texts(frame)]
                for meaning, names in _ID3_FRAMES.items()
            }
        return {meaning: [text for name in names for text in _texts(tags.get(name))] for meaning, names in _NAMES.items()}
    except Exception:
        return nothing


def _texts(value: Any) -> list[str]:
    """A tag's value, a list of texts or an ID3 frame -> texts."""
    if value is None:
        return []
    value = getattr(value, "genres", None) or getattr(value, "text", None) or getattr(value, "url", value)
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
