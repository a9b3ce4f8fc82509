"""Reads title, artist, licence and genres from a file's own tags, in any tag format and encoding."""

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
_EXAMPLE_BYTES = 24


@dataclass(frozen=True)
class Tags:
    """texts: by meaning ("title", "artist", "licence", "genres"). notes: which were in an undeclared encoding, and how they were read."""

    texts: Mapping[str, list[str]] = field(default_factory=lambda: {meaning: [] for meaning in MEANINGS})
    notes: tuple[str, ...] = ()


TagTexts = dict[str, list[str | bytes]]
"""Texts by meaning; bytes where no reliable source states their encoding."""


def read_tags(file: BinaryIO, form: str) -> Tags:
    """The file's tags. `form`: its format. Tags that cannot be read count as missing, whatever is wrong with them.

    A file may hold several kinds of tags. Each meaning comes from the first kind that has it: the container's own, ID3, APEv2, chunks of
    RIFF and AIFF, FFmpeg.
    """
    readers: list[Callable[[BinaryIO], TagTexts]] = [_by_mutagen, _id3, _apev2, _chunk_texts]
    if form not in _WITH_OWN_TAGS:
        readers.append(_by_ffmpeg)
    tag_texts: TagTexts = {meaning: [] for meaning in MEANINGS}
    for read in readers:
        try:
            more = read(file)
        except Exception:
            continue
        for meaning in MEANINGS:
            tag_texts[meaning] = tag_texts[meaning] or [text for text in more.get(meaning, ()) if text and text.strip()]
    return _decoded(tag_texts)


def _decoded(tag_texts: TagTexts) -> Tags:
    """Decodes the bytes. All texts of one file are looked at together, since one encoding wrote them all."""
    unknown = [(meaning, text) for meaning in MEANINGS for text in tag_texts[meaning] if isinstance(text, bytes)]
    read = dict(zip(unknown, decode_legacy([text for _, text in unknown]), strict=True))
    texts: dict[str, list[str]] = {}
    notes = []
    for meaning in MEANINGS:
        texts[meaning] = []
        for text in tag_texts[meaning]:
            if isinstance(text, str):
                texts[meaning].append(text)
                continue
            decoded, encoding = read[meaning, text]
            if decoded is not None:
                texts[meaning].append(decoded)
            if encoding not in ("ascii", "cp1252"):
                example = text[:_EXAMPLE_BYTES].hex(" ")
                how = f"read as {encoding}: {decoded}" if decoded is not None else "left out: no encoding is sure"
                notes.append(f"{meaning}: bytes {example} of no declared encoding are {how}")
    return Tags(texts, tuple(notes))


def _watched(file: BinaryIO) -> Any:
    return cast(Any, WatchedFile(file))


def _by_mutagen(file: BinaryIO) -> TagTexts:
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


def _id3(file: BinaryIO) -> TagTexts:
    return _id3_texts(ID3(_watched(file)))


def _id3_texts(tags: ID3) -> TagTexts:
    tag_texts: TagTexts = {}
    for meaning, names in _ID3_FRAMES.items():
        frames = [frame for name in names for frame in tags.getall(name)]
        tag_texts[meaning] = [_undeclared(text, frame) for frame in frames for text in _texts(frame)]
    return tag_texts


def _undeclared(text: str, frame: Any) -> str | bytes:
    """ID3 knows no single-byte encoding but Latin-1, so writers declare that and mean others: such text is undone to bytes."""
    if getattr(frame, "encoding", None) == _LATIN1 and not text.isascii():
        try:
            return text.encode("latin-1")
        except UnicodeEncodeError:
            return text
    return text


def _apev2(file: BinaryIO) -> TagTexts:
    tags = APEv2(_watched(file))
    return {meaning: [str(text) for name in names for text in (tags.get(name) or ())] for meaning, names in _NAMES.items()}


def _chunk_texts(file: BinaryIO) -> TagTexts:
    """LIST INFO of RIFF; NAME, AUTH and (c) of AIFF. They are in the encoding of the machine that wrote them."""
    start, size = after_tags(file), file_size(file)
    body = window(file, start, size)
    head = body.read(12)
    tag_texts: TagTexts = {}
    if head[:4] not in (b"RIFF", b"RIFX", b"RF64", b"FORM"):
        return tag_texts
    order = ">" if head[:4] in (b"FORM", b"RIFX") else "<"
    for name, offset, length in riff_chunks(body, order, size):
        if name in _CHUNKS and length <= _LONGEST_CHUNK:
            tag_texts.setdefault(_CHUNKS[name], []).append(_chunk(body, offset, length))
        elif name == b"LIST":
            body.seek(offset)
            if body.read(4) == b"INFO":
                inner = window(body, offset - 8, min(offset + length, size))
                for part, at, long in riff_chunks(inner, order, length + 8):
                    if part in _CHUNKS and long <= _LONGEST_CHUNK:
                        tag_texts.setdefault(_CHUNKS[part], []).append(_chunk(inner, at, long))
    return tag_texts


def _chunk(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length).split(b"\0")[0].strip()


def _by_ffmpeg(file: BinaryIO) -> TagTexts:
    """FFmpeg's tags of any other container. Opened as Latin-1, its texts give the original bytes back."""
    _, container, stream = open_container(file, "latin-1")
    with container:
        metadata = {str(key).lower(): str(value) for key, value in [*stream.metadata.items(), *container.metadata.items()]}
    return {meaning: [_bytes(metadata[name]) for name in names if metadata.get(name)] for meaning, names in _NAMES.items()}


def _bytes(text: str) -> str | bytes:
    """Text where the bytes are UTF-8, as containers other than RIFF demand; otherwise the bytes."""
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
