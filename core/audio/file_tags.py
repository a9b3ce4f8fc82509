"""Title, artist, licence and genres that a file itself names, wherever its kind keeps them, and in whatever encoding they were written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

import mutagen
from mutagen.apev2 import APEv2
from mutagen.id3 import ID3

from noise2music.core.audio.ffmpeg_reader import open_container
from noise2music.core.audio.file_window import after_tags, file_size, window
from noise2music.core.audio.legacy_text import decode_legacy
from noise2music.core.audio.reader import WatchedFile
from noise2music.core.audio.riff_claim import riff_chunks

MEANINGS = ("title", "artist", "licence", "genres")

_ID3_FRAMES = {"title": ("TIT2",), "artist": ("TPE1",), "licence": ("WCOP", "TCOP"), "genres": ("TCON",)}
_NAMES = {"title": ("title",), "artist": ("artist", "author"), "licence": ("license", "licence", "copyright"), "genres": ("genre",)}
_ASF_NAMES = {"title": "Title", "artist": "Author", "licence": "Copyright", "genres": "WM/Genre"}
_CHUNKS = {
    b"INAM": "title", b"IART": "artist", b"ICOP": "licence", b"IGNR": "genres", b"NAME": "title", b"AUTH": "artist", b"(c) ": "licence",
}  # fmt: skip
_LATIN1 = 0
_LONGEST_CHUNK = 1 << 16
_WITH_OWN_TAGS = frozenset({"mp3", "flac", "ogg", "opus", "wav", "aiff", "m4a"})
_SHOWN_BYTES = 24


@dataclass(frozen=True)
class Tags:
    """texts by meaning ("title", "artist", "licence", "genres"); notes: which were in an undeclared encoding, and how they were read."""

    texts: Mapping[str, list[str]] = field(default_factory=lambda: {meaning: [] for meaning in MEANINGS})
    notes: tuple[str, ...] = ()


Found = dict[str, list[str | bytes]]
"""Texts by meaning; bytes where nothing that can be believed says their encoding."""


def read_tags(file: BinaryIO, form: str) -> Tags:
    """What the file says of itself. `form`: its format. Tags are a courtesy of the file: whatever is wrong with them, there are none then.

    Of several kinds of tags in one file, each meaning is taken from the first that has it: the container's own, ID3, APEv2, chunks of
    RIFF and AIFF, FFmpeg's view.
    """
    readers: list[Callable[[BinaryIO], Found]] = [_by_mutagen, _id3, _apev2, _chunk_texts]
    if form not in _WITH_OWN_TAGS:
        readers.append(_by_ffmpeg)
    found: Found = {meaning: [] for meaning in MEANINGS}
    for read in readers:
        try:
            more = read(file)
        except Exception:
            continue
        for meaning in MEANINGS:
            found[meaning] = found[meaning] or [text for text in more.get(meaning, ()) if text and text.strip()]
    return _decoded(found)


def _decoded(found: Found) -> Tags:
    """Bytes become text, all of one file looked at together."""
    unknown = [(meaning, text) for meaning in MEANINGS for text in found[meaning] if isinstance(text, bytes)]
    read = dict(zip(unknown, decode_legacy([text for _, text in unknown]), strict=True))
    texts: dict[str, list[str]] = {}
    notes = []
    for meaning in MEANINGS:
        texts[meaning] = []
        for text in found[meaning]:
            if isinstance(text, str):
                texts[meaning].append(text)
                continue
            decoded, encoding = read[meaning, text]
            if decoded is not None:
                texts[meaning].append(decoded)
            if encoding not in ("ascii", "cp1252"):
                shown = text[:_SHOWN_BYTES].hex(" ")
                how = f"read as {encoding}: {decoded}" if decoded is not None else "left out: no encoding is sure"
                notes.append(f"{meaning}: bytes {shown} of no declared encoding are {how}")
    return Tags(texts, tuple(notes))


def _watched(file: BinaryIO) -> Any:
    return cast(Any, WatchedFile(file))


def _by_mutagen(file: BinaryIO) -> Found:
    start = after_tags(file)
    body = window(file, start, file_size(file)) if start else file
    tags = getattr(mutagen.File(_watched(body), easy=True), "tags", None)
    if not tags:
        return {}
    if isinstance(tags, ID3):
        return _id3_texts(tags)
    if hasattr(tags, "_EasyID3__id3"):
        return {}
    if type(tags).__name__ == "ASFTags":
        return {meaning: [str(value) for value in tags.get(name, ())] for meaning, name in _ASF_NAMES.items()}
    return {meaning: [text for name in names for text in _texts(tags.get(name))] for meaning, names in _NAMES.items()}


def _id3(file: BinaryIO) -> Found:
    return _id3_texts(ID3(_watched(file)))


def _id3_texts(tags: ID3) -> Found:
    found: Found = {}
    for meaning, names in _ID3_FRAMES.items():
        frames = [frame for name in names for frame in tags.getall(name)]
        found[meaning] = [_undeclared(text, frame) for frame in frames for text in _texts(frame)]
    return found


def _undeclared(text: str, frame: Any) -> str | bytes:
    """ID3 has no other encoding of one byte than Latin-1, so that is written where others are meant."""
    if getattr(frame, "encoding", None) == _LATIN1 and not text.isascii():
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            return text
    return text


def _apev2(file: BinaryIO) -> Found:
    tags = APEv2(_watched(file))
    return {meaning: [str(text) for name in names for text in (tags.get(name) or ())] for meaning, names in _NAMES.items()}


def _chunk_texts(file: BinaryIO) -> Found:
    """LIST INFO of RIFF; NAME, AUTH and (c) of AIFF. Their encoding is the machine's that wrote them."""
    start, size = after_tags(file), file_size(file)
    body = window(file, start, size)
    head = body.read(12)
    found: Found = {}
    if head[:4] not in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
        return found
    order = ">" if head[:4] in (b"FORM", b"RIFX") else "<"
    for name, place, length in riff_chunks(body, order, size):
        if name in _CHUNKS and length <= _LONGEST_CHUNK:
            found.setdefault(_CHUNKS[name], []).append(_chunk(body, place, length))
        elif name == b"LIST":
            body.seek(place)
            if body.read(4) == b"INFO":
                inner = window(body, place - 8, min(place + length, size))
                for part, at, long in riff_chunks(inner, order, length + 8):
                    if part in _CHUNKS and long <= _LONGEST_CHUNK:
                        found.setdefault(_CHUNKS[part], []).append(_chunk(inner, at, long))
    return found


def _chunk(file: BinaryIO, place: int, length: int) -> bytes:
    file.seek(place)
    return file.read(length).split(b"\0")[0].strip()


def _by_ffmpeg(file: BinaryIO) -> Found:
    """What FFmpeg finds in any other container. It hands bytes on; opened as Latin-1 they come out as they are."""
    _, container, stream = open_container(file, "latin-1")
    with container:
        said = {str(key).lower(): str(value) for key, value in [*stream.metadata.items(), *container.metadata.items()]}
    return {meaning: [_bytes(said[name]) for name in names if said.get(name)] for meaning, names in _NAMES.items()}


def _bytes(text: str) -> str | bytes:
    """UTF-8 is what containers other than RIFF state; text in it is not in doubt."""
    raw = text.encode("latin-1", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw


def _texts(value: Any) -> list[str]:
    """A tag's value, a list of texts or an ID3 frame -> texts."""
    if value is None:
        return []
    value = getattr(value, "genres", None) or getattr(value, "text", None) or getattr(value, "url", value)
    return [str(item) for item in value] if isinstance(value, (list, tuple)) else [str(value)]
