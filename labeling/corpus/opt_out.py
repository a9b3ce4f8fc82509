"""Reads the opt-out list: what each entry names, in any form that people write."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from noise2music.core.errors import UserError
from noise2music.core.tables.tables import Row, format_of, table_rows, text_rows
from noise2music.core.tally import Tally

_TABLES = frozenset({"csv", "json", "parquet"})
_COLUMNS = {
    "key": ("key", "file", "path", "filename", "file_name", "filepath", "file_path"),
    "track_id": ("track_id", "id", "trackid"),
    "sha256": ("sha256", "sha-256", "sha_256", "hash"),
    "title": ("title", "track", "name", "song"),
    "artist": ("artist", "artists", "performer"),
}
_HASH = re.compile(r"(?:sha-?256\s*[:=]\s*)?([0-9a-f]{64})", re.IGNORECASE)
_SUM = re.compile(r"(?:sha-?256\s*[:=]\s*)?([0-9a-f]{64})\s+\*?(\S.*)", re.IGNORECASE)
_BSD_SUM = re.compile(r"sha-?256\s*\((.+)\)\s*=\s*([0-9a-f]{64})", re.IGNORECASE)
_TRACK_ID = re.compile(r"(?:(?:track[ _]?)?id\s*[:=]\s*)?([0-9a-f]{16})", re.IGNORECASE)
_FIELD = re.compile(r"\s*(title|artist)\s*[:=](.*)", re.IGNORECASE | re.DOTALL)
_DASH = re.compile(r"\s+[-–—]\s+")
_WORD = re.compile(r"\w")


@dataclass(frozen=True)
class Entry:
    """One entry with all its possible meanings; it names a track when one of them fits.

    text: the entry as it is written. names: paths, patterns or folders. ids: track ids. hashes: SHA-256 of files.
    songs: (title, artist) by `song_form`; None stands for any. At most one of the two is None.
    """

    text: str
    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()
    hashes: tuple[str, ...] = ()
    songs: tuple[tuple[str | None, str | None], ...] = ()


def read_opt_outs(uri: str, notes: Tally | None = None) -> tuple[Entry, ...]:
    """A list (one entry a line, "#" starts a comment) or a table by its suffix, local or in an object store -> its entries in order.

    notes: what is not as declared, for example the encoding. Raises UserError: it cannot be read, is no text, or a table has no column that
    names tracks.
    """
    if format_of(uri) in _TABLES:
        return tuple(_table_entries(uri, notes))
    return tuple(list_entries("\n".join(str(row.cells["line"]) for row in text_rows(uri, "line", notes))))


def list_entries(text: str) -> Iterator[Entry]:
    """The entries of a list, each once.

    A line is a path, pattern or folder of the corpus, a track id, a SHA-256 ("sha256:..." or as `sha256sum` prints it),
    "title: ... | artist: ...", one of the two, or "ARTIST - TITLE". A file's name may contain "#", so a line with "#" counts as a whole and
    also up to each "#": leaving out one track too many is the smaller fault.
    """
    seen = set()
    for line in re.split(r"\r\n|\r|\n", text.removeprefix("\ufeff")):
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        ends = [position for position, mark in enumerate(line) if mark == "#"]
        readings = [reading for end in [*ends, len(line)] if (reading := line[:end].strip())]
        entry = _join(line, [_read(reading) for reading in readings])
        if entry not in seen:
            seen.add(entry)
            yield entry


def song_form(text: str) -> str:
    """A title or artist for comparing: without regard to case, accents, punctuation and white space. Empty when nothing is left."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(mark for mark in plain if mark.isalnum()) or "".join(text.split())


def _read(text: str) -> Entry:
    text = _unquoted(text)
    names, ids, hashes = [text], list[str](), list[str]()
    songs = list[tuple[str | None, str | None]]()
    if match := _HASH.fullmatch(text):
        return Entry(text, hashes=(match[1].lower(),))
    if match := _SUM.fullmatch(text):
        names, hashes = [match[2]], [match[1].lower()]
    elif match := _BSD_SUM.fullmatch(text):
        names, hashes = [match[1]], [match[2].lower()]
    elif match := _TRACK_ID.fullmatch(text):
        ids.append(match[1].lower())
    fields = [_FIELD.fullmatch(piece) for piece in text.split("|")]
    values = {field[1].lower(): _unquoted(field[2].strip()) for field in fields if field}
    if values and len(values) == len(fields):
        return Entry(text, songs=_song(values.get("title"), values.get("artist")))
    for match in _DASH.finditer(text):
        songs += _song(_unquoted(text[match.end() :]), _unquoted(text[: match.start()]))
    return Entry(text, tuple(names), tuple(ids), tuple(hashes), tuple(songs))


def _song(title: str | None, artist: str | None) -> tuple[tuple[str | None, str | None], ...]:
    pair = (song_form(title or "") or None, song_form(artist or "") or None)
    return (pair,) if any(pair) else ()


def _join(text: str, entries: Iterable[Entry]) -> Entry:
    entries = list(entries)
    names = dict.fromkeys(name for entry in entries for name in entry.names)
    ids = dict.fromkeys(name for entry in entries for name in entry.ids)
    hashes = dict.fromkeys(name for entry in entries for name in entry.hashes)
    return Entry(text, tuple(names), tuple(ids), tuple(hashes), tuple(dict.fromkeys(song for entry in entries for song in entry.songs)))


def _unquoted(text: str) -> str:
    return text[1:-1].strip() if len(text) > 2 and text[0] == text[-1] and text[0] in "\"'" else text


def _table_entries(uri: str, notes: Tally | None) -> Iterator[Entry]:
    roles: dict[str, list[str]] | None = None
    seen = set()
    for row in table_rows(uri, None, notes=notes):
        if roles is None or not any(name in row.cells for names in roles.values() for name in names):
            roles = _column_roles(uri, row)
        entry = _row_entry(row, roles)
        if entry is not None and entry not in seen:
            seen.add(entry)
            yield entry


def _column_roles(uri: str, row: Row) -> dict[str, list[str]]:
    """Which columns of a table hold what. Raises UserError when none names tracks."""
    columns = {
        what: [column for column in row.cells if column.strip().lower().lstrip("\ufeff") in names] for what, names in _COLUMNS.items()
    }
    if not any(columns.values()):
        has = ", ".join(repr(column) for column in list(row.cells)[:10]) or "none"
        raise UserError(
            f"{uri}: an opt-out table needs a column key, track_id, sha256, title or artist; it has {has}. "
            "Rename a column, or give a plain list, one entry a line, as a file that ends in .txt."
        )
    return columns


def _row_entry(row: Row, roles: dict[str, list[str]]) -> Entry | None:
    cells = {what: [text.strip() for column in columns for text in row.texts(column) if text.strip()] for what, columns in roles.items()}
    entry_text = ", ".join(f"{what} {text}" for what, texts in cells.items() for text in texts)
    if not entry_text:
        return None
    hashes = [match[1].lower() for text in cells["sha256"] if (match := _HASH.fullmatch(text))]
    odd = [text for text in cells["sha256"] if not _HASH.fullmatch(text)]
    ids = [text.lower() for text in cells["track_id"] if _TRACK_ID.fullmatch(text)]
    songs = [song for title in cells["title"] or [""] for artist in cells["artist"] or [""] for song in _song(title, artist)]
    named = any((cells["key"], hashes, ids))
    if named and not (cells["title"] and cells["artist"]):
        songs = []  # A title or an artist alone, beside a file, only says more of that file.
    names = [*cells["key"], *odd, *(text for text in cells["track_id"] if text.lower() not in ids)]
    return Entry(entry_text, tuple(_unquoted(name) for name in names), tuple(ids), tuple(hashes), tuple(songs))
