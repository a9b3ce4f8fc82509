"""Decides which library reads a file and how long it is. Names and headers do not decide; what the libraries can read does."""

from collections.abc import Callable
from functools import partial
from typing import BinaryIO, cast

import soundfile

from noise2music.core.audio.careful_reader import CarefulReader, ffmpeg_is_right
from noise2music.core.audio.chain_reader import ChainReader
from noise2music.core.audio.ffmpeg_reader import AGREED_SECONDS, AvReader
from noise2music.core.audio.file_window import after_tags, file_size, window
from noise2music.core.audio.mpeg_header import adts_header, mpeg_header
from noise2music.core.audio.mpeg_reader import open_mpeg
from noise2music.core.audio.ogg_pages import Link, walk_ogg
from noise2music.core.audio.reader import MOST_FRAMES, Reader, WatchedFile
from noise2music.core.audio.riff_claim import riff_claim
from noise2music.core.audio.soundfile_reader import SoundFileReader
from noise2music.core.errors import RowError

_LIBSNDFILE_KINDS = frozenset({"wav", "rifx", "aiff", "flac", "ogg", "caf", "au"})
_PCM = frozenset({"wav", "rifx", "aiff", "caf", "au"})
_MAGIC = (
    (b"fLaC", 0, "flac"),
    (b"OggS", 0, "ogg"),
    (b"ftyp", 4, "mp4"),
    (b"\x1a\x45\xdf\xa3", 0, "matroska"),
    (b"caff", 0, "caf"),
    (b".snd", 0, "au"),
    (b"riff\x2e\x91\xcf\x11", 0, "wav"),
)
_FLAC_BEGINS = b"fLaC\0\0\0\x22"
_BLOCK = 1 << 20
_MOST_LINKS = 100_000


def open_reader(file: BinaryIO) -> Reader:
    """A seekable file -> a reader at its start. Its `frames` were checked.

    Tags in front are skipped. Files that were joined (MP3, FLAC, chained Ogg, WAV) are read as one.
    Raises RowError: "empty_file", "not_audio" (neither library can read it; both are quoted), "unreadable" (begins like audio, yet nothing
    can read it, or storage fails), "ambiguous_audio" (core.audio.careful_reader), "unsupported_rate", "unsupported_channels".
    """
    watched = WatchedFile(file)
    calm = cast(BinaryIO, watched)
    size = file_size(calm)
    watched.check()
    if not size:
        raise RowError("empty_file", "the file holds no bytes")
    try:
        start = after_tags(calm)
        body = window(file, start, size) if 0 < start < size else file
        kind = sniff(cast(BinaryIO, WatchedFile(body)))
        watched.check()
        return _open(file, body, kind if kind or not start else "tagged")
    except OSError as error:
        raise RowError("unreadable", f"storage failed while the file was read: {error}") from error


def _open(file: BinaryIO, body: BinaryIO, kind: str | None) -> Reader:
    if kind in ("mp3", "aac", "tagged") and (mpeg := open_mpeg(file, kind, sure=False)) is not None:
        return mpeg
    if kind in _LIBSNDFILE_KINDS and (openers := _links(body, kind)):
        return ChainReader(openers) if len(openers) > 1 else openers[0]()
    try:
        reader: Reader = AvReader(body)
    except RowError as error:
        if error.reason != "not_audio":
            raise
        ffmpeg = error
    else:
        return (open_mpeg(file, kind, sure=True) or reader) if reader.format == "mp3" else reader
    if kind not in _LIBSNDFILE_KINDS and not _looks_like_mpeg(body):
        try:
            return _by_libsndfile(body)
        except soundfile.LibsndfileError:
            pass
    if (mpeg := open_mpeg(file, kind, sure=False)) is not None:
        return mpeg
    if kind is not None and kind != "tagged":
        raise RowError(
            "unreadable", f"the file begins like {kind}, yet no audio in it can be read: it is damaged or of another kind; {ffmpeg.message}"
        ) from ffmpeg
    raise RowError("not_audio", f"no decoder can read this file: libsndfile does not know it, {ffmpeg.message}") from ffmpeg


def _links(file: BinaryIO, kind: str) -> list[Callable[[], Reader]]:
    """An opener for each of the files and streams in this one."""
    if kind == "ogg":
        return [partial(_ogg, window(file, link.start, link.end), link) for link in walk_ogg(file)]
    return [partial(_open_link, window(file, *link), kind) for link in split_links(file, kind)]


def _ogg(file: BinaryIO, link: Link) -> Reader:
    """libsndfile silently skips damaged pages, so FFmpeg reads those. It trusts page times, so odd ones are measured by decoding."""
    try:
        reader = SoundFileReader(file)
    except soundfile.LibsndfileError as error:
        return _by_ffmpeg(file, "ogg", str(getattr(error, "error_string", error)).strip())
    if link.damaged:
        try:
            return AvReader(file)
        except RowError:
            pass
    if link.odd_times or not 0 < reader.frames <= MOST_FRAMES:
        reader.measure()
    return CarefulReader(file, reader)


def _by_libsndfile(file: BinaryIO) -> SoundFileReader:
    reader = SoundFileReader(file)
    if not reader.frames or reader.frames > MOST_FRAMES or not reader.holds_its_end():
        reader.measure()
    return reader


def _open_link(file: BinaryIO, kind: str) -> Reader:
    """Open a single file or stream."""
    try:
        reader = SoundFileReader(file)
    except soundfile.LibsndfileError as error:
        return _by_ffmpeg(file, kind, str(getattr(error, "error_string", error)).strip())
    if kind == "flac":
        return _flac(file, reader)
    if kind in _PCM and reader.frames and reader.subtype.startswith(("PCM", "FLOAT", "DOUBLE")) and ffmpeg_is_right(file, reader, kind):
        return AvReader(file)
    claim = riff_claim(file).frames
    if not reader.frames:
        return _or_empty(file, reader)
    if reader.frames > MOST_FRAMES or not reader.holds_its_end():
        reader.measure()
    if claim is not None and abs(claim - reader.frames) > AGREED_SECONDS * reader.rate:
        reader.claimed = min(claim, MOST_FRAMES)
    else:
        reader.claimed = reader.frames
    return CarefulReader(file, reader)


def _looks_like_mpeg(file: BinaryIO) -> bool:
    """Whether libsndfile would pass the file to mpg123, which prints complaints about anything that is no mp3. Frames of free format,
    whose size is stated nowhere, do not count: only mpg123 reads them.
    """
    file.seek(0)
    head = file.read(3)
    free = len(head) == 3 and head[1] & 0xE6 == 0xE2 and head[1] & 0x18 != 0x08 and not head[2] & 0xF0 and head[2] & 0x0C != 0x0C
    return head == b"ID3" or (head[:1] == b"\xff" and not free)


def _by_ffmpeg(file: BinaryIO, kind: str, message: str) -> Reader:
    try:
        return AvReader(file)
    except RowError as error:
        if error.reason != "not_audio":
            raise
        raise RowError(
            "unreadable",
            f"the file begins like {kind}, yet no audio in it can be read: it is damaged or of another kind; libsndfile: {message} "
            f"{error.message}",
        ) from error


def _flac(file: BinaryIO, reader: SoundFileReader) -> Reader:
    """libsndfile trusts the stream's header, FFmpeg walks the frames. Where both agree libsndfile reads, otherwise FFmpeg."""
    try:
        walked = AvReader(file)
    except RowError:
        return CarefulReader(file, reader)
    agreed = walked.rate == reader.rate and abs(walked.frames - reader.frames) <= AGREED_SECONDS * reader.rate
    if agreed and walked.whole and reader.holds_its_end():
        return CarefulReader(file, reader)
    states_nothing = agreed or not 0 < reader.frames <= MOST_FRAMES
    walked.claimed = walked.frames if states_nothing else reader.frames
    return walked


def _or_empty(file: BinaryIO, reader: SoundFileReader) -> Reader:
    """A file that claims to be empty: FFmpeg's reader where it finds audio, else the empty one."""
    try:
        other = AvReader(file)
    except RowError:
        return reader
    other.claimed = 0
    return other if other.frames else reader


def sniff(file: BinaryIO) -> str | None:
    """ "wav", "rifx", "aiff", "flac", "ogg", "mp4", "matroska", "caf", "au", "mp3" or "aac"; None for anything else. Leaves the file at
    its start. The caller has to skip tags in front.
    """
    file.seek(0)
    head = file.read(16)
    file.seek(0)
    if head[:4] in (b"RIFF", b"RF64", b"RIFX") and head[8:12] == b"WAVE":
        return "rifx" if head[:4] == b"RIFX" else "wav"
    if head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC"):
        return "aiff"
    for magic, offset, name in _MAGIC:
        if head[offset : offset + len(magic)] == magic:
            return name
    if adts_header(head) is not None:
        return "aac"
    return "mp3" if head[:1] == b"\xff" and len(head) >= 4 and mpeg_header(head[1] << 8 | head[2]) else None


def split_links(file: BinaryIO, kind: str) -> list[tuple[int, int]]:
    """A file of any libsndfile kind except Ogg -> bytes [start, end) of each file in it, in order."""
    if kind == "flac":
        starts = _markers(file)
        return list(zip(starts, [*starts[1:], file_size(file)], strict=True))
    size, start = file_size(file), 0
    links: list[tuple[int, int]] = []
    while kind in ("wav", "rifx", "aiff") and start < size and len(links) < _MOST_LINKS:
        end = start + riff_claim(window(file, start, size)).next
        links.append((start, end))
        start = end
    return links or [(0, size)]


def _markers(file: BinaryIO) -> list[int]:
    """Offsets where a FLAC begins: the file's start, and wherever marker and first block appear again."""
    file.seek(0)
    offsets, base, tail = [0], 0, b""
    while block := file.read(_BLOCK):
        data = tail + block
        at = data.find(_FLAC_BEGINS)
        while at >= 0:
            offset = base - len(tail) + at
            if offset and _is_stream(data[at + 8 : at + 26]):
                offsets.append(offset)
            at = data.find(_FLAC_BEGINS, at + 1)
        base += len(block)
        tail = data[-25:]
    return sorted(set(offsets))


def _is_stream(info: bytes) -> bool:
    """Whether a FLAC's first block holds valid sizes and a valid rate."""
    smallest, largest, rate = int.from_bytes(info[:2], "big"), int.from_bytes(info[2:4], "big"), int.from_bytes(info[10:13], "big") >> 4
    return len(info) >= 13 and 16 <= smallest <= largest and 1000 <= rate <= 655_350
