"""The metadata table: what is known of the tracks, and which file each row means."""

import hashlib
import json
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from labeling.cleaning.tally import Tally
from labeling.corpus import SUFFIXES
from labeling.errors import UserError
from labeling.facts import NO_FACTS, Facts, fact_names, read_facts
from labeling.fields import clean_field
from labeling.settings import Columns
from labeling.tables import table_rows


@dataclass(frozen=True)
class TrackMetadata:
    """What a row says. Texts are bounded and of one line (labeling.fields); what is missing is None."""

    title: str | None = None
    artist: str | None = None
    licence: str | None = None
    split: str | None = None
    facts: Facts = NO_FACTS


@dataclass(frozen=True)
class Metadata:
    """rows: by key (NFC). ambiguous: keys that the table has more than once, with different values. keyless: rows without a key."""

    rows: Mapping[str, TrackMetadata]
    ambiguous: frozenset[str]
    keyless: int = 0

    def digest(self) -> str:
        """SHA-256 of all that `match` can tell, whatever the order of the rows."""
        rows = (json.dumps([key, key in self.ambiguous, *asdict(row).values()]) for key, row in self.rows.items())
        return hashlib.sha256("\n".join([str(self.keyless), *sorted(rows)]).encode()).hexdigest()

    def match(self, keys: Collection[str]) -> tuple[dict[str, TrackMetadata | None], frozenset[str], list[str]]:
        """Corpus keys -> (what is known of each, corpus keys whose row is ambiguous, metadata keys without a file, sorted).

        A row means the file whose path is its key. Rows and files that are left are paired, one to one, by name, then by path without
        suffix, then by name without: where both have that name once, and one path is the tail of the other ("a.mp3" and "rock/a.mp3").
        A key that is absolute or holds ".." means no file. A row without a key counts as "" among those without a file.
        """
        normal = {key: unicodedata.normalize("NFC", key) for key in keys}
        found = {key: form for key, form in normal.items() if form in self.rows}
        named = set(found.values())
        usable = [key for key in self.rows if not key.startswith("/") and ".." not in key.split("/")]
        for form in _FORMS:
            for key, row in _pairs(form, normal, usable):
                if key not in found and row not in named:
                    found[key] = row
                    named.add(row)
        known: dict[str, TrackMetadata | None] = {key: self.rows[row] for key, row in found.items() if row not in self.ambiguous}
        known.update((key, None) for key in normal if key not in found)
        ambiguous = frozenset(key for key, row in found.items() if row in self.ambiguous)
        return known, ambiguous, sorted([key for key in self.rows if key not in named] + [""] * self.keyless)


def read_metadata(uri: str, columns: Columns, notes: Tally | None = None) -> Metadata:
    """A csv, jsonl or parquet table, local or in an object store -> Metadata. Rows may be in any order.

    notes: what in it is not as declared, and values that cannot be read, in words. Raises UserError: the table cannot be read (with the
    line), a column is not there (with the nearest names), there is no row.
    """
    named = (columns.title, columns.artist, columns.licence, columns.split)
    rows: dict[str, TrackMetadata] = {}
    ambiguous: set[str] = set()
    keyless = 0
    for row in table_rows(uri, [name for name in (columns.key, *named, *fact_names(columns)) if name], notes=notes):
        key = unicodedata.normalize("NFC", "".join(row.texts(columns.key))).removeprefix("./")
        if not key:
            keyless += 1
            continue
        title, artist, licence, split = (clean_field(", ".join(row.texts(name))) if name else None for name in named)
        read = TrackMetadata(title, artist, licence, split, read_facts(row, columns))
        if rows.setdefault(key, read) != read:
            ambiguous.add(key)
    if not (rows or keyless):
        raise UserError(f"{uri} holds no row. Fill it, or leave `metadata` out: then the tags inside the files count.")
    return Metadata({key: TrackMetadata() if key in ambiguous else row for key, row in rows.items()}, frozenset(ambiguous), keyless)


def _pairs(form: Callable[[str], str], files: Mapping[str, str], rows: Sequence[str]) -> Iterator[tuple[str, str]]:
    """(corpus key, metadata key) that alone have one form, each among all of its kind, and of which one path is the tail of the other."""
    files_by_form: defaultdict[str, list[str]] = defaultdict(list)
    rows_by_form: defaultdict[str, list[str]] = defaultdict(list)
    for key, normal in files.items():
        files_by_form[form(normal)].append(key)
    for row in rows:
        rows_by_form[form(row)].append(row)
    for name, same in files_by_form.items():
        meant = rows_by_form.get(name, [])
        if len(same) == len(meant) == 1 and _is_tail(_without_suffix(files[same[0]]), _without_suffix(meant[0])):
            yield same[0], meant[0]


def _is_tail(one: str, other: str) -> bool:
    return f"/{one}".endswith(f"/{other}") or f"/{other}".endswith(f"/{one}")


def _basename(path: str) -> str:
    return path.rsplit("/", 1)[-1]


def _without_suffix(path: str) -> str:
    """The path without the suffix of an audio file; another dot belongs to the name ("op. 9")."""
    stem, dot, suffix = path.rpartition(".")
    return stem if dot and suffix.lower() in SUFFIXES else path


def _stem(path: str) -> str:
    return _basename(_without_suffix(path))


_FORMS = (_basename, _without_suffix, _stem)
